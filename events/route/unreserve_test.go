package route

import (
	"context"
	"runtime"
	"testing"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// A place may be reserved for an event just when the dispatch under way ends. The place is
// given up then, and the event must wait for another.
func TestEventWaitsAgainWhenItsPlaceComesTooLate(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(context.DeadlineExceeded)
	for range 5_000 {
		d := newDestination(Destination{Name: "crm"}, zap.NewNop())
		p := &progress{mayWait: true}
		p.choose(&set{destinations: []*destination{d}}, &events.Event{})
		dispatch := p.begin(ctx, &events.Event{})
		part := p.parts
		d.mu.Lock()
		d.reserve(part)
		d.woken = nil

		ready := make(chan struct{})
		go func() {
			defer close(ready)
			p.ready(part)
		}()
		for range 20 { // until it waits for the destination's mutex
			runtime.Gosched()
		}
		d.mu.Unlock()
		resumed := false
		if !events.OnResume(p.end(dispatch), func() { resumed = true }) {
			t.Fatal("the event is not held")
		}
		<-ready
		if part.stage == idle && !resumed {
			t.Fatal("the event neither waits nor is called")
		}
		p.DeliveryEnded()
	}
}
