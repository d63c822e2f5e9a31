package webhook

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

var (
	errHandlerTimeout = errors.New("handler did not return in time")
	errNoFreeHandler  = errors.New("no handler was free in time")
	errGoexit         = errors.New("handler called runtime.Goexit")
)

// A dispatcher calls the handler, for a limited number of events at once. All
// requests with the same event share one call. An event that the handler asks to hold
// waits, without a slot, and is handled again when it is resumed.
type dispatcher struct {
	handler events.Handler
	log     *zap.Logger
	slots   chan struct{} // one for each running handler

	running sync.WaitGroup // calls

	mu      sync.Mutex
	stopped bool             // no call is started
	calls   map[string]*call // running, by signature
}

func newDispatcher(handler events.Handler, concurrency int, log *zap.Logger) *dispatcher {
	return &dispatcher{
		handler: handler,
		log:     log,
		slots:   make(chan struct{}, concurrency),
		calls:   make(map[string]*call),
	}
}

// A call is one event with the handler. If the event is held, the handler is called several
// times.
type call struct {
	event   *events.Event
	ctx     context.Context // of the request that started the call
	cancel  context.CancelCauseFunc
	done    chan struct{}         // closed when the event has its outcome
	waits   atomic.Pointer[error] // why the handler is not running; nil while it is
	started time.Time             // when the handler was first called

	// Valid when done is closed.
	outcome  events.Outcome
	err      error
	timedOut bool // ctx ended before the handler returned
}

// wait reports whether the call is done. It returns when it is, or when ctx ends.
func (c *call) wait(ctx context.Context) bool {
	select {
	case <-c.done:
		return true
	case <-ctx.Done():
	}
	select {
	case <-c.done: // at the same time
		return true
	default:
		return false
	}
}

// timeoutError returns the error of a request whose time ended before the call's outcome.
func (c *call) timeoutError() error {
	if err := c.waits.Load(); err != nil {
		return *err
	}
	return errHandlerTimeout
}

// dispatch calls the handler and returns the event's outcome, at the latest when ctx ends.
// If a call for the same event is running, it waits for that call, and starts another one
// only if that call ran out of time.
func (d *dispatcher) dispatch(ctx context.Context, e *events.Event) (events.Outcome, error) {
	for {
		c, started := d.startOrJoin(ctx, e)
		if c == nil {
			return events.Failed, consumer.ErrStopping
		}
		switch {
		case !c.wait(ctx):
			return events.Failed, c.timeoutError()
		case !started && c.outcome == events.Handled:
			return events.Duplicate, nil
		case started || c.outcome != events.Failed || !c.timedOut:
			return c.outcome, c.err
		}
	}
}

// startOrJoin starts a call for the event, or returns the running one. It returns nil
// after stop.
func (d *dispatcher) startOrJoin(ctx context.Context, e *events.Event) (c *call, started bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.calls[e.Signature]; c != nil {
		return c, false
	}
	if d.stopped {
		return nil, false
	}
	c = &call{event: e, done: make(chan struct{}), err: errGoexit}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	d.calls[e.Signature] = c
	d.running.Go(func() { d.run(c) })
	return c, true
}

// run calls the handler until the event has its outcome or the call's time ends.
func (d *dispatcher) run(c *call) {
	defer d.finish(c)
	handler := events.HandlerFunc(func(ctx context.Context, e *events.Event) error { return d.handle(ctx, c, e) })
	c.outcome, c.err = events.DispatchHeld(c.ctx, handler, c.event)
	cause := context.Cause(c.ctx)
	c.timedOut = cause != nil
	if c.timedOut && c.waits.Load() == nil && !errors.Is(c.err, cause) {
		d.logLate(c, time.Since(c.started))
	}
	if errors.Is(cause, consumer.ErrStopping) && c.err != nil && !errors.Is(c.err, cause) && !events.IsPermanent(c.err) {
		c.err = fmt.Errorf("%w: %w", cause, c.err)
	}
}

// handle calls the handler once, when there is a slot for it.
func (d *dispatcher) handle(ctx context.Context, c *call, e *events.Event) (err error) {
	c.waits.Store(&errNoFreeHandler)
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil { // perhaps just when a slot became free
		return errNoFreeHandler
	}
	c.waits.Store(nil)
	if c.started.IsZero() {
		c.started = time.Now()
	}
	err = d.handler.HandleEvent(ctx, e)
	if events.IsHold(err) {
		c.waits.Store(&err)
	}
	return err
}

// logLate logs the outcome of a call whose requests were answered 503 before it
// returned.
func (d *dispatcher) logLate(c *call, took time.Duration) {
	result := consumer.Result{Event: c.event, Outcome: c.outcome, Err: c.err, Took: took}
	if result.Outcome.Done() {
		d.log.Warn("handler succeeded after the request was answered, the event may be handled again",
			zap.String("type", events.Brief(c.event.Type)), zap.String("id", events.Brief(c.event.ID)), zap.Duration("took", took))
		return
	}
	result.Log(d.log, zap.Bool("late", true))
}

func (d *dispatcher) finish(c *call) {
	d.mu.Lock()
	delete(d.calls, c.event.Signature)
	d.mu.Unlock()
	c.cancel(nil)
	close(c.done)
}

// stop prevents further calls, and cancels the contexts of running calls with the cause
// [consumer.ErrStopping].
func (d *dispatcher) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	for _, c := range d.calls {
		c.cancel(consumer.ErrStopping)
	}
}

// wait returns when no call is running. dispatch must not be called while it waits.
func (d *dispatcher) wait() { d.running.Wait() }

// count returns how many calls are running.
func (d *dispatcher) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.calls)
}
