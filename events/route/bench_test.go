package route_test

import (
	"context"
	"testing"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

func BenchmarkHandleEvent(b *testing.B) {
	handler := events.HandlerFunc(func(context.Context, *events.Event) error { return nil })
	e := event(1)
	for name, h := range map[string]events.Handler{
		"plain":    handler,
		"one":      newRouter(b, route.Destination{Name: "a", Handler: handler}),
		"patterns": newRouter(b, route.Destination{Name: "a", Handler: handler, On: []string{"presence:*", "call:*"}}),
		"two":      newRouter(b, route.Destination{Name: "a", Handler: handler}, route.Destination{Name: "b", Handler: handler}),
		"four": newRouter(b, route.Destination{Name: "a", Handler: handler}, route.Destination{Name: "b", Handler: handler},
			route.Destination{Name: "c", Handler: handler}, route.Destination{Name: "d", Handler: handler}),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var d events.Delivery
				if err := h.HandleEvent(events.WithDelivery(context.Background(), &d), e); err != nil {
					b.Fatal(err)
				}
				d.End()
			}
		})
	}
}
