package events

import (
	"context"
	"sync"
	"time"
)

// A Delivery is one delivery of an event, from its receive until its message is settled.
// A transport that holds events ([Hold]) passes it to every call of the handler with the
// event, so that the handler continues where it was. A handler uses it only during these calls.
// The zero Delivery is ready to use. Its methods are safe for concurrent use.
type Delivery struct {
	mu    sync.Mutex
	first kept  // usually all that handlers keep
	rest  *rest // nil if there is none, as in most of the thousands that may be held
}

// A kept is what a handler keeps of a delivery.
type kept struct{ owner, state any }

// A rest is what few deliveries have.
type rest struct {
	ended    bool
	kept     []kept
	onEnd    []func()
	deadline *time.Time // nil if it is not known
}

// ended is the rest of most deliveries that have ended. It is never changed.
var ended = &rest{ended: true}

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
// A [HeldState] is told when the delivery ends.
func (d *Delivery) State(owner any, create func() any) any {
	state, late := d.state(owner, create)
	if late {
		end(state)
	}
	return state
}

// state is State, and reports whether it was created after the end.
func (d *Delivery) state(owner any, create func() any) (state any, late bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := &d.first
	if k.owner != nil && k.owner != owner {
		k = d.ownRest().of(owner)
	}
	if k.owner == nil {
		*k = kept{owner, create()}
		late = d.rest != nil && d.rest.ended
	}
	return k.state, late
}

// of returns what the owner keeps, or the place for it.
func (r *rest) of(owner any) *kept {
	for i := range r.kept {
		if r.kept[i].owner == owner {
			return &r.kept[i]
		}
	}
	r.kept = append(r.kept, kept{})
	return &r.kept[len(r.kept)-1]
}

// ownRest returns the rest, to be changed. d.mu must be held.
func (d *Delivery) ownRest() *rest {
	switch d.rest {
	case nil:
		d.rest = &rest{}
	case ended:
		d.rest = &rest{ended: true}
	}
	return d.rest
}

// Deadline returns when the delivery ends at the latest. ok is false if that is not known, as
// with a transport that holds events: the context of a call may end long before it.
func (d *Delivery) Deadline() (deadline time.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rest == nil || d.rest.deadline == nil {
		return time.Time{}, false
	}
	return *d.rest.deadline, true
}

// OnEnd has f called when the delivery ends, or at once if it has ended.
func (d *Delivery) OnEnd(f func()) {
	d.mu.Lock()
	r := d.ownRest()
	late := r.ended
	if !late {
		r.onEnd = append(r.onEnd, f)
	}
	d.mu.Unlock()
	if late {
		f()
	}
}

// End ends the delivery: the transport has settled its message, or is about to. The
// handler is not called again with it.
func (d *Delivery) End() {
	d.mu.Lock()
	first, before := d.first, d.rest
	d.first, d.rest = kept{}, ended
	if before != nil {
		d.rest = &rest{ended: true, deadline: before.deadline}
	}
	d.mu.Unlock()
	end(first.state)
	if before == nil {
		return
	}
	for _, k := range before.kept {
		end(k.state)
	}
	for _, f := range before.onEnd {
		f()
	}
}

// Held returns the state that is all that handlers keep of a delivery, or nil if they keep more
// or something else. hold is the error of [HoldUntil] that the handler has returned. A transport
// that holds thousands of events need keep only the state, and make another Delivery of it to
// go on.
func (d *Delivery) Held(hold error) HeldState {
	held := holdOf(hold)
	if held == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	waits, ok := held.notifier.(HeldState)
	state, keeps := d.first.state.(HeldState)
	if !ok || !keeps || d.rest != nil || d.first.owner != waits.Owner() {
		return nil
	}
	return state
}

// GoOn makes of a zero Delivery the one from which Held has returned the state.
func (d *Delivery) GoOn(state HeldState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.first = kept{state.Owner(), state}
}

// end tells a state of the end of its delivery.
func end(state any) {
	if held, ok := state.(HeldState); ok {
		held.DeliveryEnded()
	}
}
