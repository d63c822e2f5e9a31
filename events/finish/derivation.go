package finish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wildix-worker/events"
)

var errLateEvents = errors.New("call:finished waits for late events of the call")

// A derivation is the second part of a delivery: it merges the event into the state. If the
// event is responsible for call:finished, it derives that and passes it on.
type derivation struct {
	handler  *Handler
	delivery *delivery

	next     step // nil before the first
	due      time.Time
	added    *Call            // what fix adds to the state
	finished []byte           // call:finished as the state has it
	accesses *events.Delivery // of the access to the state that waits
	inner    *events.Delivery // of call:finished
}

// A step returns the next one, or nil after the last. If it fails, or asks to be called
// later, it is repeated.
type step func(ctx context.Context) (next step, err error)

// HandleEvent continues with the step that is next.
func (d *derivation) HandleEvent(ctx context.Context, _ *events.Event) error {
	if d.next == nil {
		d.next = d.record
	}
	for {
		next, err := d.next(ctx)
		if err != nil || next == nil {
			return err
		}
		d.next = next
	}
}

// record merges the event into the state.
func (d *derivation) record(ctx context.Context) (step, error) {
	c := d.call()
	known, err := d.merge(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case c.End == "" || known.End != c.End:
		return nil, events.ErrNoHandler // nothing more to do
	case known.Finished != nil:
		return d.derived(known), nil
	}
	d.due = time.Now().Add(d.grace(ctx))
	return d.wait, nil
}

// call returns what the event says about its call.
func (d *derivation) call() Call {
	c := Call{Facts: *d.delivery.facts}
	if c.Facts.HasEnded() {
		c.End = d.delivery.event.DeliveryKey()
	}
	return c
}

// grace returns how long to wait for late events.
func (d *derivation) grace(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if outer := d.delivery.outer; outer != nil {
		deadline, ok = outer.Deadline()
	}
	if !ok {
		return d.handler.grace
	}
	return min(d.handler.grace, time.Until(deadline)/2)
}

// wait waits until the grace is over.
func (d *derivation) wait(ctx context.Context) (step, error) {
	left := time.Until(d.due)
	switch {
	case left <= 0:
		return d.read, nil
	case d.delivery.outer != nil:
		return nil, events.Hold(func(resume func()) {
			timer := time.AfterFunc(left, resume)
			d.delivery.closeWith(func() { timer.Stop() })
		}, events.Busy(errLateEvents))
	}
	select {
	case <-time.After(left):
		return d.read, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// read reads the whole call from the state.
func (d *derivation) read(ctx context.Context) (step, error) {
	known, err := d.merge(ctx, d.call())
	if err != nil {
		return nil, err
	}
	if known.Finished != nil {
		return d.derived(known), nil
	}
	d.added = &Call{Facts: known.Facts, End: known.End, Finished: encode(known.Facts, d.delivery.event)}
	return d.fix, nil
}

// fix keeps call:finished in the state, unless another delivery has done so.
func (d *derivation) fix(ctx context.Context) (step, error) {
	known, err := d.merge(ctx, *d.added)
	if err != nil {
		return nil, err
	}
	d.added = nil
	return d.derived(known), nil
}

// derived returns the step that passes call:finished on, as the state has it.
func (d *derivation) derived(known Call) step {
	d.finished, d.inner = known.Finished, d.newDelivery()
	return d.pass
}

// pass passes call:finished on. It is decoded for each try, since it may be held for hours.
func (d *derivation) pass(ctx context.Context) (step, error) {
	finished, err := events.Decode(d.finished)
	if err != nil {
		return nil, events.Permanent(fmt.Errorf("call:finished in the state: %w", err))
	}
	finished.ReceiveCount = d.delivery.event.ReceiveCount
	if d.inner != nil {
		ctx = events.WithDelivery(ctx, d.inner)
	}
	switch outcome, err := events.Dispatch(ctx, d.handler.next, finished); outcome {
	case events.Handled:
		return nil, nil
	case events.Duplicate:
		return nil, events.ErrDuplicate
	case events.Ignored:
		return nil, events.ErrNoHandler
	default:
		return nil, fmt.Errorf("call:finished: %w", err)
	}
}

// merge merges c into the state, with a delivery of its own. While that waits for the state,
// it must be called again with the same call.
func (d *derivation) merge(ctx context.Context, c Call) (known Call, err error) {
	if d.accesses == nil {
		d.accesses = d.newDelivery()
	}
	if d.accesses != nil {
		ctx = events.WithDelivery(ctx, d.accesses)
	}
	if known, err = d.access(ctx, c); err != nil {
		return Call{}, err
	}
	if d.accesses != nil {
		d.accesses.End()
		d.accesses = nil
	}
	return known, nil
}

// access merges c into the state, and returns what that has then.
func (d *derivation) access(ctx context.Context, c Call) (known Call, err error) {
	m := merge{added: c}
	err = d.handler.state.HandleEvent(context.WithValue(ctx, mergeKey{}, &m), d.delivery.event)
	return m.result, err
}

// newDelivery returns a delivery that ends at the latest with the outer one, or nil if the
// transport can't hold events.
func (d *derivation) newDelivery() *events.Delivery {
	if d.delivery.outer == nil {
		return nil
	}
	inner := &events.Delivery{}
	d.delivery.closeWith(inner.End)
	return inner
}

// A merge is one access to the state. It is passed through the router of the state in the
// context.
type merge struct{ added, result Call }

type mergeKey struct{}

// access returns the handler that accesses the state.
func access(state State) events.Handler {
	return events.HandlerFunc(func(ctx context.Context, _ *events.Event) (err error) {
		m := ctx.Value(mergeKey{}).(*merge)
		m.result, err = state.Merge(ctx, m.added)
		return err
	})
}
