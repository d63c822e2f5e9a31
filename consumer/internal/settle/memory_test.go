package settle

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"
	"weak"

	"wildix-worker/internal/newest"
)

func TestPriorOutcomesDoNotFillMemory(t *testing.T) {
	within(t, func(s *site) {
		for i := range 15_000 {
			s.Refuse(s.admit(fmt.Sprint("refused", i)), 0)
			s.Delete(s.admit(fmt.Sprint("deleted", i)))
		}
		time.Sleep(time.Minute)
		s.wantStats(Stats{Deleted: 15_000, Left: 15_000})
		if n := s.unsettled.cache.Len(); n != 10_000 {
			t.Errorf("%d refused messages are remembered, want 10,000", n)
		}
		for id, want := range map[string]bool{"deleted4000": false, "deleted6000": true, "deleted14999": true} {
			if got := s.deleted.Has(newest.KeyOf(id)); got != want {
				t.Errorf("%s is remembered: %t, want %t", id, got, want)
			}
		}
	})
}

// A message id is a part of the text of a whole answer.
func TestPriorOutcomesDoNotKeepTheAnswer(t *testing.T) {
	within(t, func(s *site) {
		answer := s.settleMessagesOfAnswer()
		time.Sleep(time.Minute)
		s.wantStats(Stats{Deleted: 1, Left: 1})
		s.mu.Lock()
		s.calls = nil // of the test
		s.mu.Unlock()
		runtime.GC()
		if answer.Value() != nil {
			t.Error("the answer is kept for the id of a message")
		}
	})
}

// settleMessagesOfAnswer settles two messages whose ids are parts of one text, and returns
// a weak pointer to that.
func (s *site) settleMessagesOfAnswer() weak.Pointer[byte] {
	s.t.Helper()
	text := strings.Repeat("x", 1<<20)
	s.Refuse(s.admit(text[:36]), 0)
	s.Delete(s.admit(text[:37]))
	return weak.Make(unsafe.StringData(text))
}

func TestSettledMessageDoesNotKeepItsBody(t *testing.T) {
	for name, answers := range map[string]func(call) answer{
		"sent and deleted":       nil,
		"sent and being deleted": failing(opDelete),
		"refused":                failing(opQuarantine),
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(s *site) {
				s.answer(answers)
				l := s.admit("a")
				body := s.quarantineLarge(l)
				time.Sleep(5 * time.Second)
				s.mu.Lock()
				s.calls = nil // of the test
				s.mu.Unlock()
				runtime.GC()
				if body.Value() != nil {
					t.Error("the body is kept")
				}
				runtime.KeepAlive(l)
				s.answer(nil)
			})
		})
	}
}

// quarantineLarge quarantines a copy with a large body, and returns a weak pointer to that.
func (s *site) quarantineLarge(l *Lease) weak.Pointer[byte] {
	body := make([]byte, 1<<20)
	s.Quarantine(l, Copy{Body: body, Outcome: "rejected"})
	return weak.Make(&body[0])
}
