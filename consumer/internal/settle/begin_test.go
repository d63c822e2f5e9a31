package settle

import (
	"testing"
	"testing/synctest"
	"time"
)

func (s *site) wantNoHandler(l *Lease, why string) {
	s.t.Helper()
	synctest.Wait()
	if _, ok := s.Begin(l, maxLease, func() {}); ok {
		s.t.Errorf("a handler may begin though %s", why)
	}
}

func TestNoHandlerBeginsOnALostLease(t *testing.T) {
	within(t, func(s *site) {
		s.answer(refusing(opExtend, "ReceiptHandleIsInvalid"))
		l := s.admit("a")
		time.Sleep(visibility/2 + time.Second)
		s.wantNoHandler(l, "SQS says that the lease is lost")
	})
}

func TestNoHandlerBeginsAfterTheLeaseEndsDuringAnExtension(t *testing.T) {
	within(t, func(s *site) {
		l := s.admit("a")
		time.Sleep(visibility/2 - time.Second)
		s.answer(func(call) answer { return answer{delay: time.Hour} })
		time.Sleep(visibility/2 + time.Second)
		s.wantNoHandler(l, "the lease ended and its extension is not answered")
	})
}

func TestQuarantineWaitsForAnExtensionThatIsUnderWay(t *testing.T) {
	within(t, func(s *site) {
		s.answer(func(c call) answer {
			if c.operation == opExtend {
				return answer{delay: 5 * time.Second}
			}
			return answer{}
		})
		l := s.admit("a")
		time.Sleep(visibility/2 + time.Second)
		s.Quarantine(l, forged)
		time.Sleep(3 * time.Second)
		s.wantMade(opQuarantine)
		time.Sleep(3 * time.Second)
		s.wantMade(opQuarantine, 1)
		s.wantStats(Stats{Quarantined: 1, Deleted: 1})
	})
}

func TestExtensionWaitsForADeleteThatIsUnderWay(t *testing.T) {
	within(t, func(s *site) { // which fails if two calls about a message overlap
		s.answer(func(c call) answer {
			if c.operation == opDelete {
				return answer{delay: 5 * time.Second}
			}
			return answer{}
		})
		l := s.admit("a")
		time.Sleep(visibility/2 - 2*time.Second)
		s.Delete(l)
		time.Sleep(10 * time.Second)
		s.wantMade(opExtend)
		s.wantStats(Stats{Deleted: 1})
	})
}

func TestRefusedEntryIsTriedAgainAfterAPause(t *testing.T) {
	for _, op := range []operation{opDelete, opReturn, opExtend} {
		within(t, func(s *site) {
			l := s.admit("a")
			s.answer(refusing(op, "InternalError"))
			switch op {
			case opDelete:
				s.Delete(l)
			case opReturn:
				s.Return(l, 0)
			default:
				s.begin(l)
				time.Sleep(visibility / 2)
			}
			time.Sleep(visibility/2 - 2*time.Second)
			// The pauses grow to five seconds, and are half of that on average.
			if n := len(s.made(op)); n < 4 || n > 50 {
				t.Errorf("%s: %d calls in 28 s about a message that SQS refuses", op, n)
			}
			s.answer(nil)
		})
	}
}

// Else it would not be received again for up to 16 minutes, and block its FIFO group.
func TestMessageThatIsLeftAfterAHoldIsSoonVisible(t *testing.T) {
	for name, settle := range map[string]func(*site, *Lease){
		"left":    func(s *site, l *Lease) { s.Leave(l) },
		"refused": func(s *site, l *Lease) { s.Refuse(l, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(s *site) {
				settle(s, s.admit("not held"))
				l := s.admit("held")
				s.Hold(l, nil)
				time.Sleep(2 * visibility)
				s.Resume(l)
				extended := len(s.made(opExtend))
				settle(s, l)
				time.Sleep(5 * time.Second)
				calls := s.made(opExtend)[extended:] // of the visibility timeout, which only here is no extension
				if len(calls) != 1 || calls[0].handles[0] != "handle of held" {
					t.Errorf("calls %v, want the lease shortened to the visibility timeout", calls)
				}
				s.wantStats(Stats{Left: 2})
			})
		})
	}
}
