package settle

import (
	"fmt"
	"math"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeletesShareCalls(t *testing.T) {
	within(t, func(s *site) {
		busy := s.admit("busy")
		for _, l := range s.admitMany(23) {
			s.Delete(l)
		}
		s.wantMade(opDelete, 10, 10)
		time.Sleep(maxLinger - 1)
		s.wantMade(opDelete, 10, 10)
		time.Sleep(1)
		s.wantMade(opDelete, 10, 10, 3)
		s.Leave(busy)
		time.Sleep(time.Second)
		s.wantStats(Stats{Deleted: 23, Left: 1})
	})
}

func TestQuietSettlerDoesNotLinger(t *testing.T) {
	within(t, func(s *site) {
		s.Delete(s.admit("a"))
		time.Sleep(quietTime)
		s.wantMade(opDelete, 1)
	})
}

func TestMessagesThatComeOneByOneShareACallWithinHalfASecond(t *testing.T) {
	within(t, func(s *site) {
		for i := range 5 {
			s.Delete(s.admit(strconv.Itoa(i)))
			time.Sleep(100 * time.Millisecond)
		}
		s.wantMade(opDelete, 5)
		s.Delete(s.admit("later"))
		time.Sleep(quietTime - 1)
		s.wantMade(opDelete, 5)
		time.Sleep(1)
		s.wantMade(opDelete, 5, 1)
	})
}

func TestDeleteOfAGroupDoesNotLinger(t *testing.T) {
	within(t, func(s *site) {
		s.admit("busy")
		s.budget.Take(s.t.Context(), 1)
		l, _ := s.admitReceipt(Receipt{Text: "ah", IDSize: 1, Group: "g", ReceivedAt: time.Now()})
		s.Delete(l)
		s.wantMade(opDelete, 1)
	})
}

func TestHurriedSettlerDoesNotLinger(t *testing.T) {
	within(t, func(s *site) {
		s.admit("busy")
		s.Delete(s.admit("a"))
		s.wantMade(opDelete)
		s.Hurry()
		s.wantMade(opDelete, 1)
	})
}

func TestOnlyTheFirstSettlementCounts(t *testing.T) {
	within(t, func(s *site) {
		l := s.admit("a")
		s.Return(l, 0)
		s.Delete(l)
		s.Refuse(l, 0)
		s.Quarantine(l, Copy{})
		time.Sleep(2 * time.Second)
		s.wantStats(Stats{Returned: 1})
		s.wantMade(opDelete)
	})
}

func TestReturnHasItsDelayRoundedUp(t *testing.T) {
	within(t, func(s *site) {
		s.Return(s.admit("a"), 2500*time.Millisecond)
		s.Return(s.admit("b"), 0)
		s.Return(s.admit("c"), 100*time.Hour)
		s.Return(s.admit("d"), math.MaxInt64)
		time.Sleep(time.Second)
		made := s.made(opReturn)
		if len(made) != 1 || fmt.Sprint(made[0].timeouts) != "[3 0 43198 43198]" {
			t.Errorf("returned by %+v", made)
		}
		s.wantStats(Stats{Returned: 4})
	})
}

func TestTokenIsUsedUntilTheMessageIsSettled(t *testing.T) {
	within(t, func(s *site) {
		s.budget = budgetOf(10) // allows a thousand unsettled messages
		s.answer(failing(opDelete))
		for i := range 1000 {
			s.Delete(s.admit(fmt.Sprint("m", i)))
		}
		if s.budget.Spare() {
			t.Error("another message is received while a thousand are not deleted")
		}
		s.answer(nil)
		time.Sleep(time.Minute)
		for i := range 2000 {
			s.Leave(s.admit(fmt.Sprint("n", i)))
		}
		if n := s.budget.Take(s.t.Context(), 10); n != 10 {
			t.Errorf("%d of 10 slots are free in the end", n)
		}
	})
}

func TestSlotOfASecondDeliveryIsGivenBack(t *testing.T) {
	within(t, func(s *site) {
		s.budget = budgetOf(2)
		s.admit("a")
		for range 5 {
			if _, admission := s.deliver("a", "newer"); admission != InHand {
				t.Fatalf("the second delivery is %d, want InHand", admission)
			}
		}
		if !s.budget.Spare() {
			t.Error("a message that was delivered twice occupies two slots")
		}
	})
}

func TestFailedDeletesAreTriedAgainOneCallAtATime(t *testing.T) {
	within(t, func(s *site) {
		s.answer(func(c call) answer {
			a := failing(opDelete)(c)
			a.delay = time.Second
			return a
		})
		for _, l := range s.admitMany(40) {
			s.Delete(l)
		}
		time.Sleep(5 * time.Minute)
		made := s.made(opDelete)
		if n := len(made); n < 40 || n > 250 {
			t.Errorf("%d calls in five minutes of failures", n)
		}
		for i := 5; i < len(made); i++ { // the first four are made before one has failed
			if pause := made[i].at - made[i-1].at; pause < time.Second {
				t.Fatalf("call %d is made %s after the one before, which is not answered", i, pause)
			}
		}
		s.answer(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := s.Stats(); got.Deleted != 40 || got.Requests["delete"].Failed != len(made)+1 && got.Requests["delete"].Failed != len(made) {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestEveryRefusedEntryIsTriedAgain(t *testing.T) {
	for _, op := range []operation{opDelete, opReturn} {
		within(t, func(s *site) {
			s.answer(func(c call) answer {
				if c.operation == op {
					return answer{codes: map[string]string{"handle of m1": "InternalError", "handle of m3": "InternalError"}}
				}
				return answer{}
			})
			for _, l := range s.admitMany(5) {
				if op == opDelete {
					s.Delete(l)
				} else {
					s.Return(l, 0)
				}
			}
			time.Sleep(30 * time.Second)
			if got := s.Stats(); got.Deleted+got.Returned != 3 || got.Unsettled != 2 {
				t.Errorf("%s: %+v", op, got)
			}
			s.answer(nil)
			time.Sleep(10 * time.Second)
			if got := s.Stats(); got.Deleted+got.Returned != 5 || got.Unsettled != 0 {
				t.Errorf("%s: %+v", op, got)
			}
		})
	}
}

func TestRefusedMessageIsNotHandledAgain(t *testing.T) {
	within(t, func(s *site) {
		s.Refuse(s.admit("a"), 0)
		l, admission := s.deliver("a", "second")
		if admission != Refused {
			t.Errorf("the second delivery is %d, want Refused", admission)
		}
		s.Leave(l)
		time.Sleep(time.Hour)
		s.wantMade(opDelete)
		s.wantMade(opReturn)
		s.wantStats(Stats{Left: 2})
	})
}

func TestDeletedMessageIsNotHandledAgain(t *testing.T) {
	within(t, func(s *site) {
		s.Delete(s.admit("a"))
		time.Sleep(time.Second)
		l, admission := s.deliver("a", "second")
		if admission != Done {
			t.Errorf("the second delivery is %d, want Done", admission)
		}
		s.Delete(l)
		time.Sleep(time.Second)
		s.wantStats(Stats{Deleted: 2})
	})
}

func TestReturnedAndLeftMessagesAreHandledAgain(t *testing.T) {
	within(t, func(s *site) {
		s.Return(s.admit("a"), 0)
		s.Leave(s.admit("b"))
		time.Sleep(time.Second)
		s.admit("a")
		s.admit("b")
	})
}

func TestNewerReceiptHandleIsAdopted(t *testing.T) {
	within(t, func(s *site) {
		l := s.admit("a")
		if _, admission := s.deliver("a", "newer"); admission != InHand {
			t.Fatalf("the second delivery is %d, want InHand", admission)
		}
		s.Delete(l)
		time.Sleep(time.Second)
		if made := s.made(opDelete); len(made) != 1 || made[0].handles[0] != "newer" {
			t.Errorf("deleted by %+v", made)
		}
		s.wantStats(Stats{Deleted: 1})
	})
}

func TestDeleteWithAnOlderHandleIsRepeated(t *testing.T) {
	within(t, func(s *site) {
		s.answer(func(call) answer { return answer{delay: 5 * time.Second} })
		s.Delete(s.admit("a"))
		time.Sleep(time.Second) // the delete is under way
		s.deliver("a", "newer")
		time.Sleep(30 * time.Second)
		if made := s.made(opDelete); len(made) != 2 || made[1].handles[0] != "newer" {
			t.Errorf("deleted by %+v", made)
		}
		s.wantStats(Stats{Deleted: 1, DeletesFailed: 1})
	})
}

func TestAbandonReturnsUnfinishedMessages(t *testing.T) {
	within(t, func(s *site) {
		leases := s.admitMany(5)
		s.Begin(leases[0], maxLease, func() {})
		s.Begin(leases[1], maxLease, func() {})
		s.Delete(leases[4])
		if n := s.Abandon(); n != 2 {
			t.Errorf("%d handlers still run, want 2", n)
		}
		s.Delete(leases[0]) // too late
		if _, ok := s.Begin(leases[2], maxLease, func() {}); ok {
			t.Error("a handler is called for a message that was abandoned")
		}
		time.Sleep(2 * time.Second)
		s.wantStats(Stats{Deleted: 1, Returned: 4})
	})
}

func TestRunReturnsOnceEverythingIsSettled(t *testing.T) {
	within(t, func(s *site) {
		s.Delete(s.admit("a"))
		s.Close()
		begun := time.Now()
		<-s.ended
		if took := time.Since(begun); took > quietTime+30*time.Millisecond {
			t.Errorf("Run returned after %s", took)
		}
		s.wantStats(Stats{Deleted: 1})
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	within(t, func(s *site) {
		s.answer(func(call) answer { return answer{delay: time.Hour} })
		s.Delete(s.admit("a"))
		time.Sleep(time.Second)
		begun := time.Now()
		s.cancel()
		<-s.ended
		if took := time.Since(begun); took != 0 {
			t.Errorf("Run returned after %s", took)
		}
		s.wantStats(Stats{DeletesFailed: 1, Unsettled: 1})
	})
}
