package conformance_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

func TestStopReturnsWhatIsNotFinished(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		stopping := make(chan struct{})
		s.send("a", "b", "c", "d")
		w := s.start(func(ctx context.Context, e *events.Event) error {
			<-stopping
			if e.ID == "a" || e.ID == "b" {
				return nil
			}
			return working(time.Hour)(ctx, e)
		}, leasing(longLease), func(cfg *consumer.Config) {
			cfg.Concurrency, cfg.ShutdownTimeout = 4, 2*time.Second
		})
		s.eventually("all have begun", func() bool { return len(s.handlers()) == 4 })
		s.send("e", "f") // there is no worker free for them
		w.signal()
		close(stopping)
		s.check(w.stop())
		s.eventuallyIDs(events.Handled, "a", "b")
		s.eventuallyIDs(events.Failed, "c", "d")

		s.start(succeed)
		s.eventuallyIDs(events.Handled, "a", "b", "c", "d", "e", "f")
		s.wantHeld(0)
	})
}

func TestRestartsLoseNothing(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		sent := make([]string, 60)
		for i := range sent {
			sent[i] = fmt.Sprintf("call-%02d", i)
		}
		s.send(sent...)
		for _, enough := range []int{10, 30, len(sent)} {
			w := s.start(func(ctx context.Context, e *events.Event) error {
				return working(rand.N(200*time.Millisecond))(ctx, e)
			}, func(cfg *consumer.Config) { cfg.Concurrency = 7 })
			s.eventually("enough are handled", func() bool { return len(s.ids(events.Handled)) >= enough })
			s.check(w.stop())
		}
		s.eventuallyIDs(events.Handled, sent...)
		s.wantHeld(0)
	})
}
