package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wildix-worker/consumer/internal/breaker"
	"wildix-worker/consumer/internal/inflight"
	"wildix-worker/consumer/internal/order"
	"wildix-worker/consumer/internal/poll"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
)

// Why a handler's context ended, as [context.Cause] tells, apart from the
// handler's time limit, which is [context.DeadlineExceeded].
var (
	// ErrLeaseLost: the message's lease ended or could not be extended, and
	// someone else may get the message now. Whatever the handler returns, the
	// message is not deleted by this delivery.
	ErrLeaseLost = errors.New("lease lost")
	// ErrStopping: the shutdown timeout is over.
	ErrStopping = errors.New("worker stopping")
)

const (
	// unwindTime is what handlers get to return after they were cancelled.
	unwindTime = time.Second
	// settleTime is what the last deletes and give-backs get. With it and
	// unwindTime, a stop takes at most 4 s longer than ShutdownTimeout.
	settleTime = 3 * time.Second
	// pollGrace is how long polls may still answer after the stop, but not
	// longer than the shutdown timeout, so that what SQS has already given out
	// is returned instead of stranded.
	pollGrace = time.Second
)

// A Consumer is a worker pool on one queue. [New] makes one, and
// [Consumer.Run] is its whole life.
type Consumer struct {
	cfg      Config
	leases   *leases
	lanes    order.Line[*message]
	breaker  *breaker.Breaker
	pollers  *poll.Pollers
	work     chan *message // to the workers
	stopping chan struct{} // closed when Run's context has ended
	ran      atomic.Bool
	counts   [events.Outcomes]atomic.Int64
}

// New returns a consumer of a queue. client is an *sqs.Client, or whatever
// else does as it does. The error names every fault of the configuration, one
// a line; nothing is sent before Run.
func New(client SQS, cfg Config) (*Consumer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Consumer{
		cfg:      cfg,
		breaker:  breaker.New(cfg.Logger, cfg.HandlerTimeout+unwindTime),
		work:     make(chan *message),
		stopping: make(chan struct{}),
	}
	c.leases = newLeases(caller{client, cfg.QueueURL, cfg.QuarantineQueueURL}, cfg.VisibilityTimeout, cfg.Logger)
	c.pollers = poll.New(poll.Config{
		Client:            client,
		QueueURL:          cfg.QueueURL,
		VisibilityTimeout: cfg.VisibilityTimeout,
		MaxPollers:        (cfg.Concurrency + sqscall.MaxBatch - 1) / sqscall.MaxBatch,
		Grace:             min(pollGrace, cfg.ShutdownTimeout),
		Budget:            inflight.New(cfg.Concurrency),
		Breaker:           c.breaker,
		Logger:            cfg.Logger,
	})
	return c, nil
}

// Run consumes until ctx ends, and then drains: polling ends at once, running
// handlers get the shutdown timeout, what they finished is deleted, and what
// was not started or not finished is made visible again at once.
//
// Trouble at AWS never ends it; it is waited out. Run returns nil after a
// clean drain, and otherwise an error that says what was left undone, when a
// handler would not stop or a delete was not confirmed. No message is lost
// either way. When a handler does not return even after its context has ended,
// Run returns without it. Run can be called once.
func (c *Consumer) Run(ctx context.Context) error {
	if c.ran.Swap(true) {
		return errors.New("consumer: Run called a second time")
	}
	detached := context.WithoutCancel(ctx)
	handlers, cancelHandlers := context.WithCancelCause(detached)
	defer cancelHandlers(nil)
	calls, cancelCalls := context.WithCancel(detached)
	defer cancelCalls()

	var polling, working, settling sync.WaitGroup
	settling.Go(func() { c.leases.run(calls) })
	for range c.cfg.Concurrency {
		working.Go(func() { c.handleAll(handlers, &working) })
	}
	polling.Go(func() { c.pollers.Run(ctx, c.accept) })
	c.cfg.Logger.Info("consuming", zap.String("queue", c.cfg.QueueURL), zap.Int("concurrency", c.cfg.Concurrency))

	<-ctx.Done()
	stopped := time.Now()
	c.cfg.Logger.Info("stopping", zap.Duration("shutdownTimeout", c.cfg.ShutdownTimeout))
	close(c.stopping)
	c.leases.hurry()
	polling.Wait()
	close(c.work)
	if !waitUntil(stopped.Add(c.cfg.ShutdownTimeout), &working) {
		cancelHandlers(ErrStopping)
		waitUntil(time.Now().Add(unwindTime), &working)
	}
	abandoned := c.leases.abandon()
	c.leases.close()
	if !waitUntil(time.Now().Add(settleTime), &settling) {
		cancelCalls()
		settling.Wait()
	}
	return c.report(abandoned)
}

// handleAll is a worker.
func (c *Consumer) handleAll(ctx context.Context, working *sync.WaitGroup) {
	var m *message
	defer func() {
		// A handler that ends its goroutine (runtime.Goexit) takes its worker
		// along, but neither the message nor the pool.
		if m != nil {
			result := Result{Outcome: events.Failed, Err: errGoexit, Event: m.opened.Event}
			c.recordResult(m, result)
			c.conclude(m, result)
			c.returnLane(m)
			working.Go(func() { c.handleAll(ctx, working) })
		}
	}()
	for m = range c.work {
		for m != nil {
			m = c.handleOne(ctx, m)
		}
	}
}

var errGoexit = errors.New("handler ended its goroutine")

// handleOne is the way of a message that has been opened. It returns the message
// that waited for this one, if any.
func (c *Consumer) handleOne(ctx context.Context, m *message) (next *message) {
	switch {
	case c.isStopping():
		c.leases.giveBack(m, 0)
		c.returnLane(m)
		return nil
	case m.needsHandler() && !c.breaker.Admits(m.probe):
		next = c.follower(m, true)
		c.leases.giveBack(m, retryDelay(m.receiveCount, nil))
		return next
	}
	result := c.handle(ctx, m)
	for c.tryAgain(m, result) {
		result = c.handle(ctx, m)
	}
	comesBack := result.Outcome == events.Failed && !events.IsPermanent(result.Err)
	next = c.follower(m, comesBack)
	c.conclude(m, result)
	return next
}

// tryAgain tells the breaker how the handler fared. When the message is its
// probe and to be tried again, it reports so after a pause.
func (c *Consumer) tryAgain(m *message, r Result) bool {
	pause, again := c.recordResult(m, r)
	return again && c.sleep(pause)
}

func (c *Consumer) isStopping() bool {
	select {
	case <-c.stopping:
		return true
	default:
		return false
	}
}

// sleep reports whether d has passed before the stop.
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

// follower returns what waited for the message, if any. On a FIFO queue nothing
// may overtake a message that comes back: what waited goes back too, untouched.
// A permanent failure is not waited for, or it would take those behind it along
// into the dead-letter queue.
func (c *Consumer) follower(m *message, comesBack bool) *message {
	if comesBack && m.group != "" {
		c.returnLane(m)
		return nil
	}
	next, _ := c.lanes.Next(m.lane)
	if next != nil {
		next.token.Resume()
	}
	return next
}

func (c *Consumer) returnLane(m *message) {
	for _, behind := range c.lanes.Clear(m.lane) {
		c.leases.giveBack(behind, 0)
	}
}

// handle dispatches what could be opened. For want of keys it tries again to
// open the message: they may be there by now.
func (c *Consumer) handle(ctx context.Context, m *message) Result {
	if m.opened.Err != nil && m.needsHandler() {
		m.opened = c.verified(m)
	}
	result := m.opened
	if result.Err == nil {
		begun := time.Now()
		result.Outcome, result.Err = c.dispatch(ctx, m, result.Event)
		result.Took += time.Since(begun)
	}
	return result
}

// dispatch calls the handler with a context that ends when it should stop.
func (c *Consumer) dispatch(ctx context.Context, m *message, e *events.Event) (events.Outcome, error) {
	if m.span != nil {
		ctx = trace.ContextWithSpan(ctx, m.span)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	latest, ok := c.leases.begin(m, cancel)
	if !ok {
		return events.Failed, ErrLeaseLost
	}
	ctx, stop := context.WithDeadline(ctx, earlier(time.Now().Add(c.cfg.HandlerTimeout), latest))
	defer stop()
	outcome, err := events.Dispatch(ctx, c.cfg.Handler, e)
	if cause := context.Cause(ctx); err != nil && (cause == ErrStopping || cause == ErrLeaseLost) && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return outcome, err
}

// conclude settles a message by its outcome, and tells.
func (c *Consumer) conclude(m *message, r Result) {
	r.MessageID, r.ReceiveCount, r.SentAt = m.id, m.receiveCount, m.sentAt
	delay := c.settle(m, r)
	c.counts[r.Outcome].Add(1)
	c.endSpan(m, r)
	c.cfg.Observe(r)
	if delay > 0 {
		r.Log(c.cfg.Logger, zap.Duration("retryIn", delay))
	} else {
		r.Log(c.cfg.Logger)
	}
}

// settle decides what to do with the message, and returns how long a failed
// one stays away.
func (c *Consumer) settle(m *message, r Result) (delay time.Duration) {
	switch {
	case r.Outcome.Done():
		c.leases.delete(m)
	case r.Outcome != events.Failed:
		c.settleRejected(m)
	case events.IsPermanent(r.Err):
		c.leases.leave(m, true)
	default:
		if !errors.Is(r.Err, ErrStopping) {
			delay = retryDelay(m.receiveCount, r.Err)
		}
		c.leases.giveBack(m, delay)
	}
	return delay
}

func (c *Consumer) settleRejected(m *message) {
	switch c.cfg.OnRejected {
	case Quarantine:
		c.leases.quarantine(m)
	case Delete:
		c.leases.delete(m)
	default:
		c.leases.leave(m, false)
	}
}
