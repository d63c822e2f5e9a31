package poll_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnePollerWhileReceivesFail(t *testing.T) {
	within(t, 100, func(s *site) { s.messages, s.delay = 1_000_000, 10*time.Millisecond }, settleAtOnce, func(t *testing.T, s *site) {
		time.Sleep(time.Second)
		if _, most := s.made(); most != 10 {
			t.Fatalf("%d polls at once under load, want 10", most)
		}
		s.set(func() { s.err = errors.New("no route to host") })
		time.Sleep(time.Minute)
		before, _ := s.made()
		time.Sleep(10 * time.Minute)
		// A pause is up to five seconds, and with full jitter half of that on average.
		if after, _ := s.made(); after-before < 180 || after-before > 300 {
			t.Errorf("%d receives in ten minutes of failures, want the 240 of one poller", after-before)
		}
	})
}

// A server that returns more messages than asked for does not make the consumer handle
// more at once, nor wait for slots with messages in hand.
func TestSurplusMessagesAreNotKept(t *testing.T) {
	within(t, 7, func(s *site) { s.messages, s.surplus = 7, 5 }, never, func(t *testing.T, s *site) {
		synctest.Wait()
		s.set(func() { s.surplus = 0 })
		s.budget.GiveBack(7)
		time.Sleep(time.Minute)
		s.wantDelivered(t, 7)
		if got := s.pollers.Stats(); got.UnderWay != 1 {
			t.Errorf("%d receives under way, want one for the slots that are free again", got.UnderWay)
		}
	})
}
