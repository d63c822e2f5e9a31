package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"wildix-worker/events"
)

// worker processes messages until there are no more. A handler that ends its
// goroutine (runtime.Goexit) ends the worker, so another one is started.
func (c *Consumer) worker(ctx context.Context, workers *sync.WaitGroup) {
	var m *message
	defer func() {
		if m == nil {
			return
		}
		r := Result{Outcome: events.Failed, Err: errGoexit, Event: m.decoded.Event}
		c.breaker.Record(m.id, m.probe, evidenceOf(r))
		c.settle(m, decided(r))
		c.returnWaiting(m)
		workers.Go(func() { c.worker(ctx, workers) })
	}()
	for m = range c.work {
		for m != nil {
			m = c.process(ctx, m)
		}
	}
}

// dispatch calls the handler, unless the consumer stops or most messages fail. If the
// message is the breaker's probe, it calls the handler until the breaker needs no other
// try.
func (c *Consumer) dispatch(ctx context.Context, m *message) outcome {
	switch {
	case c.isStopping():
		return untouched(0)
	case m.needsHandler() && !c.breaker.Admits(m.probe):
		return untouched(retryDelay(m.receiveCount, nil))
	}
	for {
		r := c.try(ctx, m)
		pause, again := c.breaker.Record(m.id, m.probe, evidenceOf(r))
		if !again || !c.sleep(pause) {
			return decided(r)
		}
	}
}

// try calls the handler once if the message has a valid event. If the keys could not be
// read before, it verifies and decodes again first.
func (c *Consumer) try(ctx context.Context, m *message) Result {
	if m.decoded.Err != nil && m.needsHandler() {
		m.decoded = c.decodeOne(m)
	}
	r := m.decoded
	if r.Err == nil {
		begun := time.Now()
		r.Outcome, r.Err = c.callHandler(ctx, m)
		r.Took += time.Since(begun)
	}
	return r
}

// callHandler calls the handler with a context that ends at the handler timeout, when the
// lease ends and at the shutdown timeout.
func (c *Consumer) callHandler(ctx context.Context, m *message) (events.Outcome, error) {
	if m.span != nil {
		ctx = trace.ContextWithSpan(ctx, m.span)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	deadline, ok := c.settler.Begin(m.lease, func() { cancel(ErrLeaseLost) })
	if !ok {
		return events.Failed, ErrLeaseLost
	}
	if limit := time.Now().Add(c.cfg.HandlerTimeout); limit.Before(deadline) {
		deadline = limit
	}
	ctx, stop := context.WithDeadline(ctx, deadline)
	defer stop()
	outcome, err := events.Dispatch(ctx, c.cfg.Handler, m.decoded.Event)
	if err == nil {
		return outcome, nil
	}
	for _, cause := range []error{ErrStopping, ErrLeaseLost} {
		if errors.Is(context.Cause(ctx), cause) && !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %w", cause, err)
		}
	}
	return outcome, err
}

func (c *Consumer) isStopping() bool {
	select {
	case <-c.stopping:
		return true
	default:
		return false
	}
}

// sleep waits for d. It returns false if the consumer stops first.
func (c *Consumer) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.stopping:
		return false
	}
}
