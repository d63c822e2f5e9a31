package consumer_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/events/route"
)

// startHeld sends ten messages to a consumer whose destination is down, and has everything
// collected that they don't need while they are held.
func (s *site) startHeld(down *endpoint) *route.Router {
	s.t.Helper()
	router, err := route.New(route.Config{Destinations: []route.Destination{{Name: "crm", Handler: down}}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.send(ids(10)...)
	s.start(router.HandleEvent, func(cfg *consumer.Config) { cfg.Blocked = router.Blocked })
	time.Sleep(time.Minute)
	runtime.GC()
	runtime.GC()
	return router
}

// endpoint is a destination that is down until it is up.
type endpoint struct{ up atomic.Bool }

func (e *endpoint) HandleEvent(context.Context, *events.Event) error {
	if e.up.Load() {
		return nil
	}
	return errDown
}

func TestMessagesHeldForADestinationGoOn(t *testing.T) {
	within(t, queueName, func(s *site) {
		crm := &endpoint{}
		router := s.startHeld(crm)
		s.wantHeld(10)
		crm.up.Store(true)
		time.Sleep(10 * time.Second)
		s.wantOutcomes("handled 10")
		s.wantDepth(sqslocal.Depth{})
		wantNoneWaits(t, router)
	})
}

func TestMessagesHeldForADestinationAreGivenUpWithTheReason(t *testing.T) {
	within(t, queueName, func(s *site) {
		router := s.startHeld(&endpoint{})
		s.wantHeld(10)
		time.Sleep(12*time.Hour - time.Minute)
		s.wantOutcomes("failed 10")
		s.mu.Lock()
		for _, r := range s.results {
			if r.Err == nil || !strings.Contains(r.Err.Error(), "waits for crm (down: ") || errors.Is(r.Err, consumer.ErrLeaseLost) {
				t.Errorf("the error is %v", r.Err)
			}
		}
		s.mu.Unlock()
		s.stop()
		wantNoneWaits(t, router)
	})
}

func TestMessagesHeldForADestinationAreReturnedByAStop(t *testing.T) {
	within(t, queueName, func(s *site) {
		router := s.startHeld(&endpoint{})
		s.wantHeld(10)
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		s.wantDepth(sqslocal.Depth{Visible: 10})
		wantNoneWaits(t, router)
	})
}

// wantNoneWaits checks that no event waits for a destination, or occupies a place.
func wantNoneWaits(t *testing.T, router *route.Router) {
	t.Helper()
	for _, d := range router.Stats() {
		if d.Held != 0 || d.Running != 0 {
			t.Errorf("%d events wait for %s, %d run", d.Held, d.Name, d.Running)
		}
	}
}
