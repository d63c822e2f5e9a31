package once

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"wildix-worker/events"
	"wildix-worker/internal/newest"
)

const (
	// leaseMargin is how much longer a lease lasts than the handler's context. It allows
	// for a handler that returns late, for the call of Done, and for clocks that differ.
	leaseMargin = 10 * time.Second
	// defaultLease is the lease of a handler whose context has no deadline.
	defaultLease = 15 * time.Minute

	// beginTimeout is how long an event waits for the shared store. It allows for
	// several tries of a client, but is short enough for a webhook, which has less
	// than five seconds for everything.
	beginTimeout = 2 * time.Second
	// settleTimeout is how long Done and Release may take.
	settleTimeout = 2 * time.Second
	// stopTimeout is how long they may take once the context has ended. A consumer
	// that stops waits one second for its handlers.
	stopTimeout = 500 * time.Millisecond
)

// New returns a middleware that calls a handler once for each event. It must not wrap a
// second handler: the events of one would count as handled by the other.
func New(cfg Config) (events.Middleware, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	m := middleware{cfg: cfg, local: newLocalStore(cfg.Keys), breaker: newBreaker(cfg)}
	return func(next events.Handler) events.Handler {
		h := m
		h.next = next
		return &h
	}, nil
}

type middleware struct {
	next    events.Handler
	cfg     Config
	local   *localStore
	breaker *breaker // of cfg.Shared
}

// HandleEvent calls the handler if the event is new.
func (m *middleware) HandleEvent(ctx context.Context, e *events.Event) error {
	d := m.deliveryOf(e)
	switch claim, err := m.begin(ctx, &d); {
	case err != nil:
		return err
	case claim.State == Done:
		return events.ErrDuplicate
	case claim.State == InProgress:
		return events.RetryAfter(retryDelay(claim.Wait, e.ReceiveCount), nil)
	}
	switch outcome, err := events.Dispatch(ctx, m.next, e); outcome {
	case events.Handled:
		m.done(ctx, &d)
		return nil
	case events.Duplicate:
		m.done(ctx, &d)
		return events.ErrDuplicate
	case events.Ignored:
		// Not recorded: a later version of the program may handle the event.
		m.release(ctx, &d)
		return events.ErrNoHandler
	default:
		m.release(ctx, &d)
		return err
	}
}

// A delivery of an event, which this process and the shared store know by different keys.
type delivery struct {
	local  newest.Key
	shared Key // zero without a shared store, which saves the SHA-256
	owner  uint64
}

func (m *middleware) deliveryOf(e *events.Event) delivery {
	d := delivery{local: newest.KeyOfBytes(e.Raw), owner: rand.Uint64()}
	if m.cfg.Shared != nil {
		d.shared = keyOf(m.cfg.Name, e)
	}
	return d
}

// begin claims the event, in this process first.
func (m *middleware) begin(ctx context.Context, d *delivery) (Claim, error) {
	lease := leaseFor(ctx)
	claim := m.local.begin(d.local, d.owner, lease)
	if claim.State != Begun || m.cfg.Shared == nil {
		return claim, nil
	}
	claim, err := m.beginShared(ctx, d, lease)
	if err != nil || claim.State != Begun {
		m.local.release(d.local, d.owner)
	}
	return claim, err
}

// beginShared claims the event in the shared store. If that can't be reached, the
// policy determines the result.
func (m *middleware) beginShared(ctx context.Context, d *delivery, lease time.Duration) (Claim, error) {
	if m.cfg.OnUnreachable == AtLeastOnce && !m.breaker.allows() {
		return Claim{State: Begun}, nil
	}
	limited, cancel := context.WithTimeout(ctx, beginTimeoutFor(ctx))
	defer cancel()
	claim, err := m.cfg.Shared.Begin(limited, d.shared, d.owner, lease)
	switch {
	case err == nil:
		m.breaker.succeeded()
		return claim, nil
	case ctx.Err() != nil:
		return Claim{}, context.Cause(ctx)
	}
	m.breaker.failed(err)
	if m.cfg.OnUnreachable == AtLeastOnce {
		return Claim{State: Begun}, nil
	}
	return Claim{}, fmt.Errorf("whether the event was handled before is unknown: %w", err)
}

// beginTimeoutFor leaves the handler at least half of the time until the deadline.
func beginTimeoutFor(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(beginTimeout, time.Until(deadline)/2)
	}
	return beginTimeout
}

// done records that the event had its effect: in this process, even if the shared store
// can't be reached.
func (m *middleware) done(ctx context.Context, d *delivery) {
	m.local.finish(d.local, m.cfg.Window)
	m.settleShared(ctx, func(ctx context.Context) error { return m.cfg.Shared.Done(ctx, d.shared, m.cfg.Window) })
}

// release ends the lease. If the shared store can't be reached, its lease expires later.
func (m *middleware) release(ctx context.Context, d *delivery) {
	m.settleShared(ctx, func(ctx context.Context) error { return m.cfg.Shared.Release(ctx, d.shared, d.owner) })
	m.local.release(d.local, d.owner)
}

// settleShared calls the shared store, even if the handler's context has ended.
func (m *middleware) settleShared(ctx context.Context, call func(context.Context) error) {
	if m.cfg.Shared == nil || m.cfg.OnUnreachable == AtLeastOnce && !m.breaker.allows() {
		return
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopTimeout, cancel) })
	defer stop()
	if err := call(detached); err != nil {
		m.breaker.failed(err)
		return
	}
	m.breaker.succeeded()
}

// leaseFor returns a lease that outlasts the handler.
func leaseFor(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return defaultLease
	}
	return max(time.Until(deadline), 0) + leaseMargin
}

// retryDelay returns the delay after which an event in progress should be delivered again.
// It is short at first, since most often both deliveries arrived together and the other is
// soon done. Later it is more likely that a process was killed; then a try before its
// lease ends would only cost a receive of the message.
func retryDelay(wait time.Duration, receiveCount int) time.Duration {
	switch {
	case receiveCount <= 1:
		return min(wait, 2*time.Second)
	case receiveCount == 2:
		return min(wait, 10*time.Second)
	default:
		return wait
	}
}
