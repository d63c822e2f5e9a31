package settle

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// holder records how its hold has expired.
type holder struct {
	mu      sync.Mutex
	expired []string
}

func (h *holder) HoldExpired(lost bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expired = append(h.expired, fmt.Sprint("lost ", lost))
}

func (h *holder) want(t *testing.T, expired ...string) {
	t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if fmt.Sprint(h.expired) != fmt.Sprint(expired) {
		t.Errorf("the hold has expired: %v, want %v", h.expired, expired)
	}
}

func TestHoldExpiresOnce(t *testing.T) {
	t.Run("lease lost", func(t *testing.T) {
		within(t, func(s *site) {
			var h holder
			s.answer(failing(opExtend))
			s.Hold(s.admit("a"), &h)
			time.Sleep(visibility / 2)
			h.want(t)
			time.Sleep(visibility)
			h.want(t, "lost true")
		})
	})
	t.Run("lease lost before", func(t *testing.T) {
		within(t, func(s *site) {
			var h holder
			s.answer(failing(opExtend))
			l := s.admit("a")
			time.Sleep(2 * visibility)
			s.Hold(l, &h)
			h.want(t, "lost true")
		})
	})
	t.Run("held as long as SQS allows", func(t *testing.T) {
		within(t, func(s *site) {
			var h holder
			s.Hold(s.admit("a"), &h)
			time.Sleep(maxLease - 3*time.Minute)
			h.want(t)
			time.Sleep(2*time.Minute + 30*time.Second)
			h.want(t, "lost false")
			time.Sleep(10 * time.Minute)
			h.want(t, "lost false")
		})
	})
	t.Run("resumed before", func(t *testing.T) {
		within(t, func(s *site) {
			var h holder
			s.answer(failing(opExtend))
			l := s.admit("a")
			s.Hold(l, &h)
			s.Resume(l)
			time.Sleep(2 * visibility)
			h.want(t)
		})
	})
}

func TestHeldMessageIsHandledAgainWithAnotherDeadline(t *testing.T) {
	within(t, func(s *site) {
		l := s.admit("a")
		s.begin(l)
		s.Hold(l, nil)
		time.Sleep(11 * time.Hour)
		s.Resume(l)
		if got := s.Stats(); got.Overdue != 0 || got.Lost != 0 {
			t.Errorf("stats %+v", got)
		}
		if deadline, ok := s.Begin(l, time.Minute, func() {}); !ok || time.Until(deadline) != time.Minute {
			t.Errorf("deadline in %v, %v", time.Until(deadline), ok)
		}
		s.Delete(l)
		time.Sleep(10 * time.Second)
		s.wantStats(Stats{Deleted: 1})
	})
}
