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
	states states
	onEnd  func()

	deadline *time.Time // set before the first call; nil if it is not known
}

// states are what handlers keep of a delivery: usually one, so that it needs no map.
type states struct {
	owner, state any
	next         *states
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
	s := &d.states
	for ; s.owner != owner; s = s.next {
		if s.owner == nil {
			s.owner, s.state = owner, create()
			break
		}
		if s.next == nil {
			s.next = &states{}
		}
	}
	return s.state
}

// Deadline returns when the delivery ends at the latest. ok is false if that is not known, as
// with a transport that holds events: the context of a call may end long before it.
func (d *Delivery) Deadline() (deadline time.Time, ok bool) {
	if d.deadline == nil {
		return time.Time{}, false
	}
	return *d.deadline, true
}

// OnEnd has f called when the delivery ends, or at once if it has ended.
func (d *Delivery) OnEnd(f func()) {
	d.mu.Lock()
	ended := d.ended
	if before := d.onEnd; before != nil && !ended {
		d.onEnd = func() { before(); f() }
	} else if !ended {
		d.onEnd = f
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
	onEnd := d.onEnd
	d.ended, d.onEnd, d.states = true, nil, states{}
	d.mu.Unlock()
	if onEnd != nil {
		onEnd()
	}
}
