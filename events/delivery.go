package events

import (
	"context"
	"sync"
	"time"
)

// A Delivery is one delivery of an event, from its receive until its message is settled.
// A transport that holds events ([Hold]) passes it to every call of the handler with the
// event, so that the handler continues where it was. The zero Delivery is ready to use.
// Its methods are safe for concurrent use.
type Delivery struct {
	mu     sync.Mutex
	ended  bool
	owner  any // usually the only one, so that it needs no map
	state  any
	others map[any]any
	onEnd  []func()

	deadline time.Time // set before the first call
}

type deliveryKey struct{}

// WithDelivery returns a context for the calls of a handler with one event.
func WithDelivery(ctx context.Context, d *Delivery) context.Context {
	return context.WithValue(ctx, deliveryKey{}, d)
}

// DeliveryOf returns the delivery that [WithDelivery] has put into the context, or nil if
// the transport can't hold events.
func DeliveryOf(ctx context.Context) *Delivery {
	d, _ := ctx.Value(deliveryKey{}).(*Delivery)
	return d
}

// State returns what owner, a comparable value such as a pointer to a handler, keeps for
// this delivery. The first call for an owner creates it. create must not use the Delivery.
func (d *Delivery) State(owner any, create func() any) any {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owner == owner {
		return d.state
	}
	if state, ok := d.others[owner]; ok {
		return state
	}
	state := create()
	switch {
	case d.owner == nil:
		d.owner, d.state = owner, state
	case d.others == nil:
		d.others = map[any]any{owner: state}
	default:
		d.others[owner] = state
	}
	return state
}

// Deadline returns when the delivery ends at the latest. ok is false if that is not known, as
// with a transport that holds events: the context of a call may end long before it.
func (d *Delivery) Deadline() (deadline time.Time, ok bool) {
	return d.deadline, !d.deadline.IsZero()
}

// OnEnd has f called when the delivery ends, or at once if it has ended.
func (d *Delivery) OnEnd(f func()) {
	d.mu.Lock()
	ended := d.ended
	if !ended {
		d.onEnd = append(d.onEnd, f)
	}
	d.mu.Unlock()
	if ended {
		f()
	}
}

// End ends the delivery: the transport has settled its message, or is about to. The
// handler is not called again with it.
func (d *Delivery) End() {
	d.mu.Lock()
	ended := d.onEnd
	d.ended, d.onEnd = true, nil
	d.owner, d.state, d.others = nil, nil, nil
	d.mu.Unlock()
	for _, f := range ended {
		f()
	}
}
