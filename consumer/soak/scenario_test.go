package soak_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// The messages of a scenario.
const first, second, third, fourth = 0, 1, 2, 3 // two valid, one forged, one malformed

var scenarios = []struct {
	name  string
	run   func(s *scenario)
	wants map[int]int // cases by promise
}{
	{"no promise is broken", func(s *scenario) {
		s.handle(first, second)
		s.delete(first, second)
		s.dead(third, fourth)
	}, nil},
	{"a message is lost", func(s *scenario) {
		s.handle(first)
		s.delete(first, second)
		s.dead(third, fourth)
	}, map[int]int{lost: 1, deletedUnhandled: 1}},
	{"a message is deleted too early", func(s *scenario) {
		s.handle(first)
		s.delete(first, second)
		s.handle(second)
		s.dead(third, fourth)
	}, map[int]int{deletedUnhandled: 1}},
	{"a message is deleted that one destination does not have", func(s *scenario) {
		s.handle(first)
		s.handleAt(1, second)
		s.delete(first, second)
		s.dead(third, fourth)
	}, map[int]int{lost: 1, deletedUnhandled: 1}},
	{"a valid message is left", func(s *scenario) {
		s.handle(first)
		s.q.left[second] = true
		s.dead(third, fourth)
	}, map[int]int{leftUnhandled: 1}},
	{"a message is a dead letter too early", func(s *scenario) {
		s.q.plan.maxReceives = 4
		s.q.proxy.deliveries[third] = 3
		s.handle(first, second)
		s.dead(third, fourth)
	}, map[int]int{deadTooEarly: 1}},
	{"a destination handles a forged message", func(s *scenario) {
		s.handle(first, second)
		s.handleAt(1, third)
		s.dead(third, fourth)
	}, map[int]int{forgedHandled: 1}},
	{"forged and malformed messages are handled", func(s *scenario) { s.handle(first, second, third, fourth) }, map[int]int{forgedHandled: 1, malformedHandled: 1}},
	{"forged and malformed messages are lost", func(s *scenario) { s.handle(first, second) }, map[int]int{lost: 2}},
	{"both destinations handle a message before its predecessor", func(s *scenario) {
		s.handle(second, first)
		s.dead(third, fourth)
	}, map[int]int{outOfOrder: 2}},
	{"a message is handled twice", func(s *scenario) {
		s.handle(first, second, first)
		s.dead(third, fourth)
	}, nil},
	{"the predecessor is a dead letter", func(s *scenario) {
		s.handle(second)
		s.dead(first, third, fourth)
	}, nil},
	{"an unknown id is handled", func(s *scenario) {
		s.handle(first, second)
		s.write(entry(0, "valid-0-AAAAAAAAAAAAAAAAAAAAAAAAAA"))
		s.dead(third, fourth)
	}, map[int]int{unknownHandled: 1}},
	{"a ledger entry is incomplete", func(s *scenario) {
		s.write(entry(0, s.q.messages[first].id)[:20])
		s.handle(first, second)
		s.dead(third, fourth)
	}, nil},
	{"a worker fails", func(s *scenario) {
		s.handle(first, second)
		s.dead(third, fourth)
		s.q.workers.recordFailure("it crashed")
	}, map[int]int{workerFailed: 1}},
}

// TestReportFindsEachBrokenPromise checks that a soak can fail.
func TestReportFindsEachBrokenPromise(t *testing.T) {
	for _, tc := range scenarios {
		t.Run(tc.name, func(t *testing.T) {
			s := newScenario(t)
			tc.run(s)
			r, err := newReport(s.q)
			s.check(err)
			for promise, cases := range r.broken {
				if len(cases) != tc.wants[promise] {
					t.Errorf("%s: %d, want %d", promises[promise].name, len(cases), tc.wants[promise])
				}
			}
		})
	}
}

// A scenario is what happened to a queue of four messages, two of which are valid.
type scenario struct {
	t    *testing.T
	q    *queue
	file *os.File // the workers' side of the ledger
}

func newScenario(t *testing.T) *scenario {
	s := &scenario{t: t}
	messages := newMessages(4, true)
	for n, c := range []class{valid, valid, forged, malformed} {
		messages[n].id = fmt.Sprintf("%s-%d%s", c, n, messages[n].id[len(messages[n].id)-27:])
		messages[n].class, messages[n].after = c, -1
	}
	messages[1].after = 0
	path := filepath.Join(t.TempDir(), "ledger")
	ledger, err := openLedger(path, messages)
	s.check(err)
	s.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	s.check(err)
	t.Cleanup(func() {
		ledger.close()
		s.file.Close()
	})
	s.q = &queue{
		messages: messages, sent: len(messages), ledger: ledger, proxy: newProxy(nil, messages, ledger), workers: &workerPool{},
		dead: make([]bool, len(messages)), left: make([]bool, len(messages)),
	}
	return s
}

// handle has all destinations handle messages.
func (s *scenario) handle(messages ...int) {
	for destination := range destinations {
		s.handleAt(destination, messages...)
	}
}

func (s *scenario) handleAt(destination int, messages ...int) {
	for _, n := range messages {
		s.write(entry(destination, s.q.messages[n].id))
	}
}

func (s *scenario) write(line []byte) {
	_, err := s.file.Write(line)
	s.check(err)
}

// delete receives messages and requests their delete.
func (s *scenario) delete(messages ...int) {
	for _, n := range messages {
		s.q.proxy.recordReceive(fmt.Appendf(nil, `{"Messages":[{"Body":%q,"ReceiptHandle":"r%d"}]}`, s.q.messages[n].id, n))
		s.q.proxy.checkDelete(fmt.Appendf(nil, `{"Entries":[{"ReceiptHandle":"r%d"}]}`, n))
	}
}

func (s *scenario) dead(messages ...int) {
	for _, n := range messages {
		s.q.dead[n] = true
	}
}

func (s *scenario) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
