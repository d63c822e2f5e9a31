package settle

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// begin starts a handler, and returns a channel that is closed when it is
// cancelled.
func (s *site) begin(l *Lease) <-chan struct{} {
	s.t.Helper()
	cancelled := make(chan struct{})
	if _, ok := s.Begin(l, maxLease, func() { close(cancelled) }); !ok {
		s.t.Fatal("the handler must not begin")
	}
	return cancelled
}

func isClosed(c <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestLeaseIsExtendedUntilTheMessageIsSettled(t *testing.T) {
	within(t, func(s *site) {
		leases := s.admitMany(25)
		cancelled := s.begin(leases[0])
		time.Sleep(time.Hour)
		if isClosed(cancelled) {
			t.Error("the handler was cancelled")
		}
		if n := len(s.made(opExtend)); n < 3*119 || n > 3*121 {
			t.Errorf("%d calls to extend 25 leases for an hour, want 3 each half minute", n)
		}
		s.answer(failing(opDelete))
		for _, l := range leases {
			s.Delete(l)
		}
		time.Sleep(time.Hour)
		s.answer(nil)
		time.Sleep(10 * time.Second)
		if got := s.Stats(); got.Deleted != 25 || got.Lost != 0 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestLeaseThatCannotBeExtendedIsLost(t *testing.T) {
	within(t, func(s *site) {
		s.answer(failing(opExtend))
		l := s.admit("a")
		cancelled := s.begin(l)
		time.Sleep(visibility - leaseMargin - time.Millisecond)
		if isClosed(cancelled) {
			t.Error("the handler was cancelled before the lease ended")
		}
		time.Sleep(time.Millisecond)
		if !isClosed(cancelled) {
			t.Error("the handler was not cancelled before SQS makes the message visible")
		}
		if _, ok := s.Begin(l, maxLease, func() {}); ok {
			t.Error("a handler may begin without a lease")
		}
		s.Delete(l) // the handler succeeded
		time.Sleep(time.Minute)
		s.wantMade(opDelete)
		if _, admission := s.deliver("a", "second"); admission != Done {
			t.Errorf("the next delivery is %d, want Done", admission)
		}
	})
}

func TestHungExtensionCancelsTheHandlerInTime(t *testing.T) {
	within(t, func(s *site) {
		s.answer(func(call) answer { return answer{delay: time.Hour} })
		cancelled := s.begin(s.admit("a"))
		time.Sleep(visibility - leaseMargin)
		if !isClosed(cancelled) {
			t.Error("the handler runs without a lease")
		}
	})
}

func TestStaleHandleEndsTheLease(t *testing.T) {
	within(t, func(s *site) {
		s.answer(refusing(opExtend, "ReceiptHandleIsInvalid"))
		l := s.admit("a")
		cancelled := s.begin(l)
		time.Sleep(visibility/2 + time.Second)
		if !isClosed(cancelled) {
			t.Error("the handler was not cancelled")
		}
		time.Sleep(time.Hour)
		s.wantMade(opExtend, 1)
		s.Return(l, 0)
		time.Sleep(time.Second)
		s.wantMade(opReturn)
		s.wantStats(Stats{Lost: 1})
	})
}

func TestLeftMessageIsNotCountedAsLost(t *testing.T) {
	within(t, func(s *site) {
		s.answer(func(c call) answer {
			a := refusing(opExtend, "ReceiptHandleIsInvalid")(c)
			a.delay = 5 * time.Second
			return a
		})
		l := s.admit("a")
		time.Sleep(visibility/2 + time.Second)
		s.Leave(l)
		time.Sleep(10 * time.Second)
		s.wantMade(opExtend, 1)
		s.wantStats(Stats{Left: 1})
	})
}

func TestNewDeliveryReplacesALostLease(t *testing.T) {
	within(t, func(s *site) {
		s.answer(failing(opExtend))
		l := s.admit("a")
		time.Sleep(2 * visibility)
		s.answer(nil)
		if _, admission := s.deliver("a", "newer"); admission != InHand {
			t.Fatalf("the new delivery is %d, want InHand", admission)
		}
		time.Sleep(2 * visibility)
		s.Delete(l)
		time.Sleep(time.Second)
		s.wantStats(Stats{Deleted: 1, Lost: 1})
	})
}

func TestLeaseEndsAfterTwelveHours(t *testing.T) {
	within(t, func(s *site) {
		l := s.admit("a")
		latest, ok := s.Begin(l, maxLease, func() {})
		if want := s.begun.Add(maxLease - leaseMargin); !ok || !latest.Equal(want) {
			t.Errorf("the lease ends at %s at the latest, want %s", latest, want)
		}
		cancelled := s.begin(l)
		time.Sleep(maxLease - 5*time.Second)
		if isClosed(cancelled) {
			t.Error("the lease was lost before twelve hours")
		}
		time.Sleep(5 * time.Second)
		if !isClosed(cancelled) {
			t.Error("the lease was not lost after twelve hours")
		}
	})
}

func TestReturnWaitsForAnExtensionThatIsUnderWay(t *testing.T) {
	within(t, func(s *site) { // which fails if two calls about a message overlap
		s.answer(func(c call) answer {
			if c.operation == opExtend {
				return answer{delay: 5 * time.Second}
			}
			return answer{}
		})
		l := s.admit("a")
		time.Sleep(visibility/2 + time.Second)
		s.Return(l, 20*time.Second)
		time.Sleep(3 * time.Second)
		s.wantMade(opReturn)
		time.Sleep(2 * time.Second)
		s.wantMade(opReturn, 1)
		s.wantStats(Stats{Returned: 1})
	})
}

func TestReturnIsNotTriedAfterTheLeaseEnds(t *testing.T) {
	within(t, func(s *site) {
		s.answer(failing(opReturn))
		s.Return(s.admit("a"), 0)
		time.Sleep(visibility)
		s.wantMade(opExtend)
		s.wantStats(Stats{Lost: 1})
	})
}

func TestUnconfirmedDeleteIsRepeatedAtTheNextDelivery(t *testing.T) {
	within(t, func(s *site) {
		s.answer(func(call) answer { return answer{err: errors.New("down")} })
		s.Delete(s.admit("a"))
		time.Sleep(2 * visibility)
		if got := s.Stats(); got.Lost != 1 || got.Unsettled != 0 {
			t.Errorf("stats %+v", got)
		}
		if s.logs.FilterMessageSnippet("lease lost before the delete was confirmed").Len() != 1 {
			t.Error("the lost lease was not logged")
		}
		s.answer(nil)
		l, admission := s.deliver("a", "second")
		if admission != Done {
			t.Errorf("the next delivery is %d, want Done", admission)
		}
		s.Delete(l)
	})
}

func TestLeaseIsShortUntilTheMessageIsHeldForAMinute(t *testing.T) {
	within(t, func(s *site) {
		s.Hold(s.admit("a"), nil)
		time.Sleep(10 * time.Minute)
		s.mu.Lock()
		defer s.mu.Unlock()
		var timeouts []int32
		for _, c := range s.calls {
			timeouts = append(timeouts, c.timeouts...)
		}
		if got := fmt.Sprint(timeouts); got != "[60 960 960]" {
			t.Errorf("extended by %s seconds", got)
		}
	})
}
