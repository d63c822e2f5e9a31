package route_test

import (
	"context"
	"testing"
	"testing/synctest"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// A delivery may end while its event is dispatched: a message may be given up then.
func TestNothingWaitsForADeliveryThatHasEnded(t *testing.T) {
	for name, end := range map[string]func(d *events.Delivery, inCall bool){
		"before the dispatch": func(d *events.Delivery, inCall bool) {
			if !inCall {
				d.End()
			}
		},
		"in the dispatch": func(d *events.Delivery, inCall bool) {
			if inCall {
				d.End()
			}
		},
		"after it": func(*events.Delivery, bool) {},
	} {
		synctest.Test(t, func(t *testing.T) {
			var d events.Delivery
			busy, quick := &endpoint{}, &endpoint{}
			busy.hang()
			quick.set(func(ctx context.Context, e *events.Event) error {
				if e.ID == "1" {
					end(events.DeliveryOf(ctx), true)
				}
				return nil
			})
			router := newRouter(t, route.Destination{Name: "busy", Handler: busy, Concurrency: 1}, route.Destination{Name: "quick", Handler: quick})
			tr := newTransport(router)
			defer tr.close()
			tr.send(event(0))
			synctest.Wait()

			end(&d, false)
			if err := router.HandleEvent(events.WithDelivery(t.Context(), &d), event(1)); !events.IsHold(err) {
				t.Errorf("%s: got %v", name, err)
			}
			d.End()
			if s := router.Stats()[0]; s.Held != 0 || s.Running != 1 {
				t.Errorf("%s: %d events wait, %d run", name, s.Held, s.Running)
			}
		})
	}
}
