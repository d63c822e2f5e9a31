package soak_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestEveryBrokenPromiseIsSeen makes sure that a soak can fail.
func TestEveryBrokenPromiseIsSeen(t *testing.T) {
	const first, second, bad, worse = 0, 1, 2, 3
	for _, tc := range []struct {
		name  string
		done  func(s *story)
		wants map[int]int // cases by promise
	}{
		{"all is well", func(s *story) {
			s.handle(first, second)
			s.delete(first, second)
			s.dead(bad, worse)
		}, nil},
		{"one is nowhere", func(s *story) {
			s.handle(first)
			s.delete(first, second)
			s.dead(bad, worse)
		}, map[int]int{lost: 1, deletedUnhandled: 1}},
		{"one is deleted too early", func(s *story) {
			s.handle(first)
			s.delete(first, second)
			s.handle(second)
			s.dead(bad, worse)
		}, map[int]int{deletedUnhandled: 1}},
		{"bad ones are handled", func(s *story) { s.handle(first, second, bad, worse) }, map[int]int{forgedHandled: 1, malformedHandled: 1}},
		{"bad ones are deleted", func(s *story) { s.handle(first, second) }, map[int]int{lost: 2}},
		{"one is overtaken", func(s *story) {
			s.handle(second, first)
			s.dead(bad, worse)
		}, map[int]int{outOfOrder: 1}},
		{"one is repeated", func(s *story) {
			s.handle(first, second, first)
			s.dead(bad, worse)
		}, nil},
		{"one follows a dead letter", func(s *story) {
			s.handle(second)
			s.dead(first, bad, worse)
		}, nil},
		{"one is made up", func(s *story) {
			s.handle(first, second)
			s.write(entry("valid-0-AAAAAAAAAAAAAAAAAAAAAAAAAA"))
			s.dead(bad, worse)
		}, map[int]int{unknownHandled: 1}},
		{"an entry is torn", func(s *story) {
			s.write(entry(s.q.letters[first].id)[:20])
			s.handle(first, second)
			s.dead(bad, worse)
		}, nil},
		{"a worker fails", func(s *story) {
			s.handle(first, second)
			s.dead(bad, worse)
			s.q.crew.failed("it crashed")
		}, map[int]int{diedByItself: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStory(t)
			tc.done(s)
			a, err := s.q.account()
			s.check(err)
			for promise, cases := range a.broken {
				if len(cases) != tc.wants[promise] {
					t.Errorf("%s: %d, want %d", promises[promise].name, len(cases), tc.wants[promise])
				}
			}
		})
	}
}

// A story is what happened to a queue of four letters, two of which are valid.
type story struct {
	t    *testing.T
	q    *queue
	file *os.File // the workers' side of the ledger
}

func newStory(t *testing.T) *story {
	s := &story{t: t}
	letters := write(4, true)
	for n, c := range []class{valid, valid, forged, malformed} {
		letters[n].id = fmt.Sprintf("%s-%d%s", c, n, letters[n].id[len(letters[n].id)-27:])
		letters[n].class, letters[n].after = c, -1
	}
	letters[1].after = 0
	path := filepath.Join(t.TempDir(), "ledger")
	ledger, err := openLedger(path, letters)
	s.check(err)
	s.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	s.check(err)
	t.Cleanup(func() {
		ledger.close()
		s.file.Close()
	})
	s.q = &queue{
		letters: letters, sent: len(letters), ledger: ledger, witness: newWitness(nil, letters, ledger), crew: &crew{},
		deadLetters: make([]bool, len(letters)), left: make([]bool, len(letters)),
	}
	return s
}

func (s *story) handle(letters ...int) {
	for _, n := range letters {
		s.write(entry(s.q.letters[n].id))
	}
}

func (s *story) write(line []byte) {
	_, err := s.file.Write(line)
	s.check(err)
}

// delete has letters received and asks for their delete.
func (s *story) delete(letters ...int) {
	for _, n := range letters {
		s.q.witness.noteReceived(fmt.Appendf(nil, `{"Messages":[{"Body":%q,"ReceiptHandle":"r%d"}]}`, s.q.letters[n].id, n))
		s.q.witness.noteDeleted(fmt.Appendf(nil, `{"Entries":[{"ReceiptHandle":"r%d"}]}`, n))
	}
}

func (s *story) dead(letters ...int) {
	for _, n := range letters {
		s.q.deadLetters[n] = true
	}
}

func (s *story) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
