package route_test

import (
	"context"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// That calls succeed which began before an outage does not end it.
func TestSuccessOfAnEarlierCallDoesNotEndAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		h.set(func(context.Context, *events.Event) error { time.Sleep(time.Minute); return nil })
		for n := range 5 {
			tr.send(event(n))
		}
		time.Sleep(time.Second)
		h.refuse()
		for n := range 10 {
			tr.send(event(10 + n))
		}
		expectState(t, router, route.Down)
		time.Sleep(time.Minute)
		expectState(t, router, route.Down)
		if s := router.Stats()[0]; s.Handled != 5 {
			t.Errorf("%+v", s)
		}
	})
}

// Nor does it end a pause that began during the call.
func TestSuccessOfAnEarlierCallDoesNotEndAPause(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		h.refuse()
		for n := range 20 {
			tr.send(event(n))
		}
		expectState(t, router, route.Down)
		before := h.count()
		h.set(func(context.Context, *events.Event) error {
			if h.count() == before+1 {
				time.Sleep(10 * time.Second)
				return nil
			}
			return events.Unavailable(time.Minute, errRefused)
		})
		time.Sleep(30 * time.Second)
		expectState(t, router, route.Paused)
		if s := router.Stats()[0]; s.Handled != 1 || h.count() != before+2 {
			t.Errorf("%d calls, %+v", h.count()-before, s)
		}
		h.succeed()
		time.Sleep(40 * time.Second)
		expectState(t, router, route.Up)
	})
}

// A handler that asks for a delay for each event is down too, and gets its events back
// until then only.
func TestOutageOfAHandlerThatAsksForDelays(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		h.set(func(context.Context, *events.Event) error { return events.RetryAfter(time.Second, errRefused) })
		for n := range 100 {
			tr.send(event(n))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		expectState(t, router, route.Down)
		if returned := len(tr.failed()); returned > 10 {
			t.Errorf("returned %d", returned)
		}
	})
}

// A pause is at most five minutes, whatever the handler asks for.
func TestPauseIsLimited(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		h.set(func(context.Context, *events.Event) error { return events.Unavailable(time.Hour, errRefused) })
		tr.send(event(0))
		time.Sleep(time.Second)
		h.succeed()
		time.Sleep(5 * time.Minute)
		expectState(t, router, route.Up)
	})
}

// A paused destination that fails afterwards is down, and is probed.
func TestPauseIsFollowedByAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		h.set(func(context.Context, *events.Event) error { return events.Unavailable(time.Minute, errRefused) })
		tr.send(event(0))
		time.Sleep(time.Second)
		h.refuse()
		time.Sleep(10 * time.Minute)
		expectState(t, router, route.Down)
		h.succeed()
		time.Sleep(4 * time.Second)
		expectState(t, router, route.Up)
	})
}

// An event that always fails, and takes a minute for it, is found out though calls overlap.
func TestSlowHopelessEventIsReturned(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, _ *route.Router, tr *transport) {
		h.set(func(ctx context.Context, e *events.Event) error {
			select {
			case <-time.After(30 * time.Second):
			case <-ctx.Done():
				return ctx.Err()
			}
			if e.ID == "7" {
				return errRefused
			}
			return nil
		})
		for n := range 300 {
			tr.send(event(n))
			time.Sleep(time.Second)
		}
		if failed := tr.failed(); len(failed) == 0 || failed[0].id != "7" {
			t.Errorf("returned %v", failed)
		}
	})
}

// One success in an outage, after which the destination is down again, condemns no event.
func TestOneSuccessInAnOutageCondemnsNoEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		h.refuse()
		for n := range 10 {
			tr.send(event(n))
		}
		expectState(t, router, route.Down)
		h.set(func(context.Context, *events.Event) error {
			h.refuse()
			return nil
		})
		time.Sleep(time.Hour)
		if s := router.Stats()[0]; s.Handled != 1 || s.Held+s.Running != 9 || len(tr.failed()) > 0 {
			t.Errorf("%+v, returned %v", s, tr.failed())
		}
		h.succeed()
		time.Sleep(5 * time.Second)
		expectState(t, router, route.Up)
		if s := router.Stats()[0]; s.Handled != 10 {
			t.Errorf("%+v", s)
		}
	})
}

// Events that are too early are no outage.
func TestTooEarlyShowsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		h.set(func(context.Context, *events.Event) error { return events.RetryAfter(time.Hour, nil) })
		for n := range 50 {
			tr.send(event(n))
		}
		expectState(t, router, route.Up)
		if s := router.Stats()[0]; s.Failed != 0 || s.Held != 0 || len(tr.failed()) != 50 {
			t.Errorf("%+v, returned %d", s, len(tr.failed()))
		}
	})
}
