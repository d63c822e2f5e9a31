package consumer_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/events/route"
)

// switched is a handler that fails while it is down, and takes a time otherwise.
type switched struct {
	down  atomic.Bool
	takes time.Duration
}

func (h *switched) handle(context.Context, *events.Event) error {
	time.Sleep(h.takes)
	if h.down.Load() {
		return errDown
	}
	return nil
}

// whileFull runs a test while as many messages are held as may be, since the destination crm
// is down. Those of ids "slow" and "fast" are for the destinations of that name, of which slow
// handles one event at a time.
func whileFull(t *testing.T, test func(s *site, slow *switched)) {
	t.Helper()
	within(t, queueName, func(s *site) {
		slow := &switched{takes: 100 * time.Millisecond}
		named := func(name string, h *switched, concurrency int) route.Destination {
			return route.Destination{Name: name, Handler: events.HandlerFunc(h.handle), Concurrency: concurrency, When: func(e *events.Event) (bool, error) {
				return e.ID[:4] == name[:4], nil
			}}
		}
		down := &switched{}
		down.down.Store(true)
		router, err := route.New(route.Config{Destinations: []route.Destination{
			named("down", down, 8), named("slow", slow, 1), named("fast", &switched{}, 8),
		}})
		if err != nil {
			t.Fatal(err)
		}
		s.send(prefixed("down", 20)...)
		s.start(router.HandleEvent, func(cfg *consumer.Config) {
			cfg.Concurrency, cfg.MaxHeld, cfg.Blocked = router.Concurrency(), 20, router.Blocked
		})
		time.Sleep(10 * time.Second)
		s.wantHeld(20)
		test(s, slow)
		s.wantHeld(20)
	})
}

// A destination that is up gets its events as fast as it can, however many are held for
// another one.
func TestEventsOfABusyDestinationAreNotReturnedWhileAsManyAreHeldAsMayBe(t *testing.T) {
	whileFull(t, func(s *site, _ *switched) {
		s.send(prefixed("slow", 200)...)
		time.Sleep(time.Second)
		s.send(prefixed("fast", 10)...)
		time.Sleep(200 * 100 * time.Millisecond)
		s.wantOutcomes("handled 210")
		s.wantDepth(sqslocal.Depth{InFlight: 20})
		if returned := s.consumer.Stats().Returned; returned > 0 {
			t.Errorf("%d messages were returned", returned)
		}
	})
}

// Events that wait for a busy destination don't take the places of others when it goes down.
func TestEventsOfADestinationThatWasBusyGoBackWhenItIsDown(t *testing.T) {
	whileFull(t, func(s *site, slow *switched) {
		s.send(prefixed("slow", 50)...)
		time.Sleep(100 * time.Millisecond)
		slow.down.Store(true)
		time.Sleep(8 * time.Second)
		before := s.consumer.Stats().Outcomes[events.Handled]
		s.send(prefixed("fast", 1000)...)
		time.Sleep(time.Second)
		if handled := s.consumer.Stats().Outcomes[events.Handled] - before; handled < 1000 {
			t.Errorf("%d of 1000 events are handled", handled)
		}
	})
}
