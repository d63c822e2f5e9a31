package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"wildix-worker/consumer/internal/settle"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
)

// deliver is the first half of a message's path, on the goroutine of the poller that
// received it.
func (c *Consumer) deliver(_ context.Context, received []sqscall.Message) {
	messages, refused := c.admit(received)
	c.decode(messages)
	markFollowed(messages, messages)
	markFollowed(refused, messages)
	for _, m := range refused {
		c.settle(m, decided(Result{Outcome: events.Failed, Err: errRefused}))
	}
	messages = c.order(messages)
	c.start(messages)
}

// process is the second half, on the goroutine of a worker. It goes on with each message
// that waited for the one before.
func (c *Consumer) process(w *workerContext, m *message) {
	defer func() {
		if m != nil { // the handler, or Observe, has ended this goroutine
			c.settle(m, decided(Result{Outcome: events.Failed, Err: errGoexit, Event: m.work().Event}))
			c.returnWaiting(m)
		}
	}()
	for m != nil {
		o := c.dispatch(w, m)
		if events.IsHold(o.Err) {
			if c.hold(m, o.Result) {
				m = nil // those that wait for it go on waiting
				return
			}
			if c.isStopping() {
				o = untouched(0)
			}
		}
		dispatched := m
		m = c.next(m, o)
		c.settle(dispatched, o)
	}
}

// admit passes received messages to the settler, and returns those that must be handled
// and those that an earlier delivery refused. The others are settled: they are known from
// an earlier delivery, or follow a message of their FIFO group whose earlier delivery is
// not settled.
func (c *Consumer) admit(received []sqscall.Message) (messages, refused []*message) {
	now := time.Now()
	messages = make([]*message, 0, len(received))
	var blocked []string // groups of messages whose earlier delivery is not settled
	for i := range received {
		m, receipt := newMessage(&received[i])
		m.consumer = c
		receipt.ReceivedAt = now
		admission := c.settler.Admit(&m.lease, receipt)
		switch {
		case admission == settle.InHand:
			if m.grouped {
				blocked = append(blocked, m.key())
			}
		case slices.Contains(blocked, m.key()):
			c.settle(m, untouched(0))
		case admission == settle.Done:
			c.settle(m, decided(Result{Outcome: events.Duplicate}))
		case admission == settle.Refused:
			refused = append(refused, m)
		default:
			messages = append(messages, m)
		}
	}
	return messages, refused
}

// decode verifies the signatures and decodes the events.
func (c *Consumer) decode(messages []*message) {
	for _, m := range messages {
		m.work().span = c.startSpan()
		begun := time.Now()
		m.work().decoded = c.decodeOne(m)
		m.work().Took = time.Since(begun)
	}
}

func (c *Consumer) decodeOne(m *message) (d decoded) {
	d.Event, d.Outcome, d.Err = m.verifyAndDecode(c.cfg.Keys)
	return d
}

// order returns the messages that need not wait for another one of their group or call.
// The others are held while they wait, so that a call with many events does not delay
// other calls.
//
// It must be called with all messages of a receive before the first of them starts: if
// that one fails at once, those that wait for it must be in the line, to be returned too.
func (c *Consumer) order(messages []*message) []*message {
	for _, m := range messages {
		if e := m.work().Event; c.cfg.OrderByCall && !m.grouped && e != nil {
			m.setTexts(m.signature(), e.ID)
		}
	}
	if c.cfg.OrderByCall {
		slices.SortStableFunc(messages, func(a, b *message) int { return a.at().Compare(b.at()) })
	}
	var full []string // keys of messages that can't be held
	return slices.DeleteFunc(messages, func(m *message) bool {
		key := m.key()
		if key == "" || !slices.Contains(full, key) && c.line.Start(key) {
			return false
		}
		if !slices.Contains(full, key) {
			waits, isFull := c.wait(m)
			if !isFull {
				return waits
			}
			full = append(full, key)
		}
		c.settle(m, c.unheld(m))
		return true
	})
}

// start passes messages to workers until the consumer stops, and returns the others to
// the queue.
func (c *Consumer) start(messages []*message) {
	for _, m := range messages {
		select {
		case c.work <- m:
		case <-c.stopping:
			c.settle(m, untouched(0))
			c.returnWaiting(m)
		}
	}
}

// next returns the message that waited for this one, or nil. On a FIFO queue no message
// may overtake one that is returned, so those that wait are returned too.
func (c *Consumer) next(m *message, o outcome) *message {
	if o.returned() && m.grouped {
		c.returnWaiting(m)
		return nil
	}
	next, ok := c.line.Next(m.key())
	if !ok {
		return nil
	}
	c.endWait(next)
	return next
}

// returnWaiting returns all messages that wait for this one.
func (c *Consumer) returnWaiting(m *message) {
	for _, waiting := range c.line.Clear(m.key()) {
		c.settle(waiting, untouched(0))
	}
}

// worker handles messages until there are no more. A handler that ends its goroutine
// (runtime.Goexit) ends the worker, so another one is started.
func (c *Consumer) worker() {
	w := &workerContext{handlers: c.handlers}
	finished := false
	defer func() {
		w.close()
		if !finished {
			c.workers.group.Go(c.worker)
		}
	}()
	for m := range c.work {
		c.process(w, m)
	}
	finished = true
}

// dispatch calls the handler, unless the consumer stops.
func (c *Consumer) dispatch(w *workerContext, m *message) outcome {
	if c.isStopping() {
		return untouched(0)
	}
	return decided(c.try(w, m))
}

// try calls the handler if the message has a valid event. If the keys could not be read
// before, it verifies and decodes again first; if they still can't, the message is to be
// held.
func (c *Consumer) try(w *workerContext, m *message) Result {
	if m.work().Err != nil && m.needsHandler() {
		c.endWait(m) // it may have been held for the keys
		m.work().decoded = c.decodeOne(m)
	}
	if err := m.recallWork(); err != nil {
		return Result{Outcome: events.Failed, Err: err}
	}
	r := m.work().result()
	switch {
	case r.Err != nil && m.needsHandler():
		c.keyless.Store(time.Now().UnixNano())
		r.Err = events.Hold(func(resume func()) { time.AfterFunc(keysBackoff.EqualJitter(1), resume) }, r.Err)
	case c.keyless.Load() != 0:
		c.keyless.Store(0)
	}
	if r.Err == nil {
		begun := time.Now()
		r.Outcome, r.Err = c.callHandler(w, m)
		r.Took += time.Since(begun)
	}
	return r
}

// callHandler calls the handler with a context that ends at the handler timeout, when the
// lease ends and at the shutdown timeout.
func (c *Consumer) callHandler(w *workerContext, m *message) (events.Outcome, error) {
	ctx, lost := w.get()
	deadline, ok := c.settler.Begin(&m.lease, c.cfg.HandlerTimeout, lost)
	if !ok {
		return events.Failed, ErrLeaseLost
	}
	if span := m.work().span; span != nil {
		ctx = trace.ContextWithSpan(ctx, span)
	}
	ctx, stop := context.WithDeadline(events.WithDelivery(ctx, &m.work().delivery), deadline)
	defer stop()
	outcome, err := events.Dispatch(ctx, c.cfg.Handler, m.work().Event)
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
