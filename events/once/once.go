package once

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"wildix-worker/events"
)

const (
	// leaseMargin is how much longer than the handler's context a lease lasts:
	// for what the handler does after its context has ended, for the note that
	// it is done, and for clocks that differ.
	leaseMargin = 10 * time.Second
	// endlessLease is for a handler whose context has no deadline.
	endlessLease = 15 * time.Minute

	// beginTimeout is how long an event waits for the shared memory's answer:
	// for several tries of a client, but a webhook has no five seconds in all.
	beginTimeout = 2 * time.Second
	// settleTimeout is how long the shared memory may take to note what became
	// of the event.
	settleTimeout = 2 * time.Second
	// hurry is the same from the context's end on. A consumer that stops
	// waits a second for its handlers.
	hurry = 500 * time.Millisecond
)

// New returns a middleware that gives each event to one handler once. Wrap
// nothing else with it: two handlers would pass for one.
func New(cfg Config) (events.Middleware, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	m := middleware{cfg: cfg, local: newLocal(cfg.Keys), breaker: newBreaker(cfg)}
	return func(next events.Handler) events.Handler {
		h := m
		h.next = next
		return &h
	}, nil
}

type middleware struct {
	next    events.Handler
	cfg     Config
	local   *local
	breaker *breaker
}

// HandleEvent calls the handler if the event is new.
func (m *middleware) HandleEvent(ctx context.Context, e *events.Event) error {
	key, owner := keyOf(m.cfg.Name, e), rand.Uint64()
	switch answer, err := m.begin(ctx, key, owner); {
	case err != nil:
		return err
	case answer.State == Done:
		return events.ErrDuplicate
	case answer.State == InProgress:
		return events.RetryAfter(patience(answer.Wait, e.ReceiveCount), nil)
	}
	switch outcome, err := events.Dispatch(ctx, m.next, e); outcome {
	case events.Handled:
		m.done(ctx, key)
		return nil
	case events.Duplicate:
		m.done(ctx, key)
		return events.ErrDuplicate
	case events.Ignored:
		// Not remembered: a later version of the program may have a handler.
		m.release(ctx, key, owner)
		return events.ErrNoHandler
	default:
		m.release(ctx, key, owner)
		return err
	}
}

// begin asks what is known of the event, here first.
func (m *middleware) begin(ctx context.Context, key Key, owner uint64) (Answer, error) {
	lease := leaseFor(ctx)
	answer := m.local.begin(key.Delivery, owner, lease)
	if answer.State != Begun || m.cfg.Shared == nil {
		return answer, nil
	}
	answer, err := m.ask(ctx, key, owner, lease)
	if err != nil || answer.State != Begun {
		m.local.release(key.Delivery, owner)
	}
	return answer, err
}

// ask asks the shared memory. Without its answer, the policy tells what to do.
func (m *middleware) ask(ctx context.Context, key Key, owner uint64, lease time.Duration) (Answer, error) {
	unknown := Answer{State: Begun}
	if m.cfg.OnUnreachable == AtLeastOnce && !m.breaker.allows() {
		return unknown, nil
	}
	limited, cancel := context.WithTimeout(ctx, askTime(ctx))
	defer cancel()
	answer, err := m.cfg.Shared.Begin(limited, key, owner, lease)
	switch {
	case err == nil:
		m.breaker.succeeded()
		return answer, nil
	case ctx.Err() != nil:
		return Answer{}, context.Cause(ctx)
	}
	m.breaker.failed(err)
	if m.cfg.OnUnreachable == AtLeastOnce {
		return unknown, nil
	}
	return Answer{}, fmt.Errorf("what was done is not known: %w", err)
}

// askTime leaves the handler half of a short time.
func askTime(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(beginTimeout, time.Until(deadline)/2)
	}
	return beginTimeout
}

// done notes that the event had its effect. That it did does not depend on
// whether others can be told.
func (m *middleware) done(ctx context.Context, key Key) {
	m.local.finish(key.Delivery, m.cfg.Window)
	m.tell(ctx, func(ctx context.Context) error { return m.cfg.Shared.Done(ctx, key, m.cfg.Window) })
}

// release gives the lease back. One that can't be given back ends by itself.
func (m *middleware) release(ctx context.Context, key Key, owner uint64) {
	m.tell(ctx, func(ctx context.Context) error { return m.cfg.Shared.Release(ctx, key, owner) })
	m.local.release(key.Delivery, owner)
}

// tell tells the shared memory, also after the handler's context has ended.
func (m *middleware) tell(ctx context.Context, call func(context.Context) error) {
	if m.cfg.Shared == nil || m.cfg.OnUnreachable == AtLeastOnce && !m.breaker.allows() {
		return
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(hurry, cancel) })
	defer stop()
	if err := call(detached); err != nil {
		m.breaker.failed(err)
		return
	}
	m.breaker.succeeded()
}

// leaseFor is longer than the handler may run.
func leaseFor(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return endlessLease
	}
	return max(time.Until(deadline), 0) + leaseMargin
}

// patience is when an event that is in progress is to come again: soon at
// first, since the same event twice at a time is soon done. Then more likely a
// process was killed, and each try before the lease's end would use up a receive
// of the message.
func patience(wait time.Duration, receives int) time.Duration {
	switch {
	case receives <= 1:
		return min(wait, 2*time.Second)
	case receives == 2:
		return min(wait, 10*time.Second)
	default:
		return wait
	}
}
