package consumer_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// gauge counts how many calls of a handler run at once.
type gauge struct{ running, most atomic.Int64 }

func (g *gauge) handle(took time.Duration) func(context.Context, *events.Event) error {
	return func(ctx context.Context, _ *events.Event) error {
		g.most.Store(max(g.most.Load(), g.running.Add(1)))
		defer g.running.Add(-1)
		select {
		case <-time.After(took):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *site) setConcurrency(n int) {
	s.t.Helper()
	if err := s.consumer.SetConcurrency(n); err != nil {
		s.t.Error(err)
	}
}

func (g *gauge) wantRunning(t *testing.T, want int64) {
	t.Helper()
	synctest.Wait()
	if got := g.running.Load(); got != want {
		t.Errorf("%d handlers are running, want %d", got, want)
	}
}

// More messages are handled at once as soon as the concurrency is greater, and fewer when as
// many handlers have returned as are too many. None is interrupted.
func TestConcurrencyChangesWhileRunning(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gauge
		s.send(ids(200)...)
		s.start(g.handle(10*time.Second), func(cfg *consumer.Config) { cfg.Concurrency = 3 })
		time.Sleep(time.Second)
		g.wantRunning(s.t, 3)
		s.setConcurrency(35)
		time.Sleep(time.Second)
		g.wantRunning(s.t, 35)
		s.setConcurrency(4)
		time.Sleep(7 * time.Second)
		g.wantRunning(s.t, 35)
		time.Sleep(10 * time.Second)
		g.wantRunning(s.t, 4)
		s.setConcurrency(60)
		time.Sleep(time.Minute)
		s.wantOutcomes("handled 200")
		if most := g.most.Load(); most != 60 {
			s.t.Errorf("%d handlers at once, want 60", most)
		}
	})
}

// However often it changes, every message is handled once.
func TestNoMessageIsLostWhileConcurrencyChanges(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gauge
		random := rand.New(rand.NewPCG(1, 2))
		s.start(g.handle(300*time.Millisecond), func(cfg *consumer.Config) { cfg.Concurrency = 10 })
		all := ids(1000)
		for i := range 50 {
			s.send(all[20*i : 20*(i+1)]...)
			s.setConcurrency(1 + random.IntN(40))
			time.Sleep(200 * time.Millisecond)
		}
		s.setConcurrency(5)
		time.Sleep(5 * time.Minute)
		s.wantOutcomes("handled 1000")
		g.wantRunning(s.t, 0)
	})
}

// A change just when Run begins, and one while the consumer stops, do no harm.
func TestConcurrencyChangesAtStartAndStop(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gauge
		s.send(ids(20)...)
		s.start(g.handle(10*time.Second), func(cfg *consumer.Config) {
			cfg.Concurrency = 2
			cfg.Observe = func(consumer.Result) { s.setConcurrency(50) }
		})
		s.setConcurrency(7)
		time.Sleep(time.Second)
		g.wantRunning(s.t, 7)
		if err := s.stop(); err != nil {
			s.t.Error(err)
		}
		s.setConcurrency(60)
		g.wantRunning(s.t, 0)
	})
}

func TestConcurrencyThatIsInvalid(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(succeed)
		for _, n := range []int{-1, 0, 10_001} {
			if field, ok := errors.AsType[*events.FieldError](s.consumer.SetConcurrency(n)); !ok || field.Field != "Concurrency" {
				s.t.Errorf("%d: %v", n, field)
			}
		}
	})
}
