package route_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// A transport that can hold no more keeps what goes on soon, and must not keep the rest.
func TestOnlyAnEventThatWaitsForAPlaceIsBusy(t *testing.T) {
	down := func(context.Context, *events.Event) error { return errRefused }
	paused := func(context.Context, *events.Event) error { return events.Unavailable(time.Hour, errRefused) }
	holds := func(context.Context, *events.Event) error { return events.Hold(func(func()) {}, errRefused) }
	slow := func(ctx context.Context, _ *events.Event) error { <-ctx.Done(); return ctx.Err() }
	for name, test := range map[string]struct {
		handlers []func(context.Context, *events.Event) error
		before   int // events
		want     bool
	}{
		"one that is busy":                {[]func(context.Context, *events.Event) error{slow}, 1, true},
		"two that are busy":               {[]func(context.Context, *events.Event) error{slow, slow}, 1, true},
		"one that is busy, one down":      {[]func(context.Context, *events.Event) error{slow, down}, 10, false},
		"one that is down":                {[]func(context.Context, *events.Event) error{down}, 10, false},
		"one that is paused":              {[]func(context.Context, *events.Event) error{paused}, 1, false},
		"one for which the event failed":  {[]func(context.Context, *events.Event) error{down}, 0, false},
		"one that asks to hold the event": {[]func(context.Context, *events.Event) error{holds}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var destinations []route.Destination
				for i, handle := range test.handlers {
					destinations = append(destinations, route.Destination{Name: string('a' + rune(i)), Handler: events.HandlerFunc(handle), Concurrency: 1})
				}
				tr := newTransport(newRouter(t, destinations...))
				defer tr.close()
				for n := range test.before {
					tr.send(event(n))
					synctest.Wait()
				}
				var d events.Delivery
				defer d.End()
				_, err := events.Dispatch(events.WithDelivery(t.Context(), &d), tr.router, event(test.before))
				if !events.IsHold(err) || events.IsBusy(err) != test.want {
					t.Errorf("%v: busy %t, want %t", err, events.IsBusy(err), test.want)
				}
			})
		})
	}
}
