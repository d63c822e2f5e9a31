package settle

import (
	"testing"
	"time"
)

// deliverOf receives a message of a FIFO group.
func (s *site) deliverOf(group, id, handle string) (*Lease, Admission) {
	s.t.Helper()
	s.budget.Take(s.t.Context(), 1)
	receipt := Receipt{Text: id + handle, IDSize: len(id), Group: group, ReceivedAt: time.Now()}
	return s.admitReceipt(receipt)
}

// slowReturns answers returns after five seconds.
func slowReturns(c call) answer {
	if c.operation == opReturn {
		return answer{delay: 5 * time.Second}
	}
	return answer{}
}

func TestReturnedMessageOfAGroupIsAdmittedBeforeTheAnswer(t *testing.T) {
	within(t, func(s *site) {
		s.answer(slowReturns)
		l, _ := s.deliverOf("g", "a", "first")
		s.Refuse(l, 0)
		time.Sleep(time.Second) // the return is under way
		l, admission := s.deliverOf("g", "a", "second")
		if admission != Refused {
			t.Fatalf("the second delivery is %d, want Refused", admission)
		}
		s.Delete(l)
		time.Sleep(3 * time.Second)
		s.wantMade(opDelete) // while the other call about the message is under way
		time.Sleep(2 * time.Second)
		if made := s.made(opDelete); len(made) != 1 || made[0].handles[0] != "second" {
			t.Errorf("deleted by %+v", made)
		}
		s.wantMade(opReturn, 1)
		s.wantStats(Stats{Deleted: 1, Returned: 1})
	})
}

func TestFailedReturnDoesNotConcernTheNextDelivery(t *testing.T) {
	within(t, func(s *site) {
		s.answer(func(c call) answer {
			a := slowReturns(c)
			a.err = failing(opReturn)(c).err
			return a
		})
		l, _ := s.deliverOf("g", "a", "first")
		s.ReturnAtOnce(l, 0)
		time.Sleep(time.Second)
		l, _ = s.deliverOf("g", "a", "second")
		time.Sleep(10 * time.Second)
		s.wantMade(opReturn, 1)
		s.Delete(l)
		time.Sleep(time.Second)
		s.wantStats(Stats{Deleted: 1, Returned: 1})
	})
}

func TestDelayedOrUngroupedReturnStaysInHandUntilItsAnswer(t *testing.T) {
	for name, returned := range map[string]struct {
		group string
		delay time.Duration
	}{"delayed": {"g", 20 * time.Second}, "ungrouped": {"", 0}} {
		t.Run(name, func(t *testing.T) {
			within(t, func(s *site) {
				s.answer(slowReturns)
				l, _ := s.deliverOf(returned.group, "a", "first")
				s.Return(l, returned.delay)
				time.Sleep(2 * time.Second)
				if _, admission := s.deliverOf(returned.group, "a", "second"); admission != InHand {
					t.Errorf("the second delivery is %d, want InHand", admission)
				}
				time.Sleep(time.Minute)
				if made := s.made(opReturn); len(made) != 2 || made[1].handles[0] != "second" {
					t.Errorf("returned by %+v", made)
				}
			})
		})
	}
}

func TestReturnThatWaitsForAnExtensionIsNotUnderWay(t *testing.T) {
	within(t, func(s *site) {
		s.answer(func(c call) answer {
			if c.operation == opExtend {
				return answer{delay: 5 * time.Second}
			}
			return answer{}
		})
		l, _ := s.deliverOf("g", "a", "first")
		time.Sleep(visibility/2 + time.Second) // the extension is under way
		s.ReturnAtOnce(l, 0)
		if _, admission := s.deliverOf("g", "a", "second"); admission != InHand {
			t.Errorf("the second delivery is %d, want InHand", admission)
		}
		time.Sleep(10 * time.Second)
		if made := s.made(opReturn); len(made) != 1 || made[0].handles[0] != "second" {
			t.Errorf("returned by %+v", made)
		}
	})
}

// LocalStack gives a message that is redriven from the dead-letter queue the same id.
func TestRedrivenMessageIsNotRefusedWithTheOneBefore(t *testing.T) {
	within(t, func(s *site) {
		first, second := time.Now(), time.Now().Add(time.Hour)
		deliver := func(firstReceived time.Time) (*Lease, Admission) {
			s.budget.Take(s.t.Context(), 1)
			return s.admitReceipt(Receipt{Text: "ah", IDSize: 1, FirstReceived: firstReceived, ReceivedAt: time.Now()})
		}
		for i, d := range []struct {
			firstReceived time.Time
			want          Admission
		}{{first, Fresh}, {first, Refused}, {second, Fresh}, {second, Refused}} {
			l, admission := deliver(d.firstReceived)
			if admission != d.want {
				t.Fatalf("delivery %d is %d, want %d", i, admission, d.want)
			}
			s.Refuse(l, 0)
		}
	})
}
