package webhook

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// unwindTime is what handlers get to return after their contexts were cancelled
// at a stop.
const unwindTime = time.Second

var (
	errLate   = errors.New("handler has not returned in time")
	errBusy   = errors.New("no handler was free in time")
	errGoexit = errors.New("handler ended its goroutine")
)

// A desk lets a limited number of requests in, and gives their events to the
// handler.
type desk struct {
	handler events.Handler
	log     *zap.Logger
	places  chan struct{} // one for each event that is with the handler
	most    int           // requests at once

	running sync.WaitGroup // requests and tasks

	mu         sync.Mutex
	closed     bool // nobody is let in
	halted     bool // no task begins
	requests   int
	refused    int              // since the desk was last found full
	turnedAway int64            // refused in all
	tasks      map[string]*task // under way, by signature
}

func newDesk(cfg Config) *desk {
	return &desk{
		handler: cfg.Handler,
		log:     cfg.Logger,
		places:  make(chan struct{}, cfg.Concurrency),
		most:    cfg.MaxInFlight,
		tasks:   make(map[string]*task),
	}
}

// A task is one call of the handler. All requests with the same event wait for
// the same one.
type task struct {
	ctx     context.Context // of the request that began it
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed when the call has returned
	outcome events.Outcome
	err     error
	late    bool // its context ended first
}

// awaited reports whether the task was done before ctx ended, or just then.
func (t *task) awaited(ctx context.Context) bool {
	select {
	case <-t.done:
		return true
	case <-ctx.Done():
	}
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// enter lets a request in, unless there are too many or the desk is closed.
func (d *desk) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return false
	case d.requests == d.most:
		d.refused++
		d.turnedAway++
		if d.refused == 1 {
			d.log.Warn("too many requests at once, answering some with 503", zap.Int("inFlight", d.most))
		}
		return false
	}
	d.requests++
	d.running.Add(1)
	return true
}

// leave ends what enter began.
func (d *desk) leave() {
	defer d.running.Done()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests--
	if d.refused > 0 && d.requests <= d.most/2 {
		d.log.Info("requests get through again", zap.Int("refused", d.refused))
		d.refused = 0
	}
}

// handle has the event handled and returns what became of it, at the latest
// when ctx ends. An event that is under way already is waited for; if that came
// to nothing for want of time, there is a new task.
func (d *desk) handle(ctx context.Context, e *events.Event) (events.Outcome, error) {
	for {
		t, isFresh := d.begin(ctx, e)
		if t == nil {
			return events.Failed, consumer.ErrStopping
		}
		switch {
		case !t.awaited(ctx):
			return events.Failed, errLate
		case !isFresh && t.outcome == events.Handled:
			return events.Duplicate, nil
		case isFresh || t.outcome != events.Failed || !t.late:
			return t.outcome, t.err
		}
	}
}

// begin starts a task for the event, or returns the one that is under way. It
// returns nil once it is too late to begin.
func (d *desk) begin(ctx context.Context, e *events.Event) (t *task, isFresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.tasks[e.Signature]; t != nil {
		return t, false
	}
	if d.halted {
		return nil, false
	}
	t = &task{done: make(chan struct{}), err: errGoexit}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	d.tasks[e.Signature] = t
	d.running.Go(func() { d.run(t, e) })
	return t, true
}

// run calls the handler once there is a place for it.
func (d *desk) run(t *task, e *events.Event) {
	defer d.end(t, e)
	select {
	case d.places <- struct{}{}:
		defer func() { <-d.places }()
	case <-t.ctx.Done():
		t.err, t.late = errBusy, true
		return
	}
	if t.ctx.Err() != nil { // both at once
		t.err, t.late = errBusy, true
		return
	}
	begun := time.Now()
	t.outcome, t.err = events.Dispatch(t.ctx, d.handler, e)
	cause := context.Cause(t.ctx)
	t.late = cause != nil
	if t.late && !errors.Is(t.err, cause) {
		d.tellLate(e, t, time.Since(begun))
	}
	if cause == consumer.ErrStopping && t.err != nil && !errors.Is(t.err, cause) && !events.IsPermanent(t.err) {
		t.err = fmt.Errorf("%w: %w", cause, t.err)
	}
}

// tellLate logs what became of an event after its request was answered 503.
func (d *desk) tellLate(e *events.Event, t *task, took time.Duration) {
	result := consumer.Result{Event: e, Outcome: t.outcome, Err: t.err, Took: took}
	if result.Outcome.Done() {
		d.log.Warn("handler succeeded too late, and may be called again",
			zap.String("type", e.Type), zap.String("id", e.ID), zap.Duration("took", took))
		return
	}
	result.Log(d.log, zap.Bool("late", true))
}

func (d *desk) end(t *task, e *events.Event) {
	d.mu.Lock()
	delete(d.tasks, e.Signature)
	d.mu.Unlock()
	t.cancel(nil)
	close(t.done)
}

func (d *desk) stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Stats{InFlight: d.requests, Refused: d.turnedAway}
}

func (d *desk) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// close lets nobody in any more.
func (d *desk) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}

// drain waits until whoever was let in has left, and all tasks are done. When ctx
// ends it cancels their contexts, and a moment later it returns how many it
// leaves behind.
func (d *desk) drain(ctx context.Context) (abandoned int) {
	done := make(chan struct{})
	go func() { // stays behind as long as a handler that does not return
		d.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return 0
	case <-ctx.Done():
	}
	d.mu.Lock()
	d.halted = true
	for _, t := range d.tasks {
		t.cancel(consumer.ErrStopping)
	}
	d.mu.Unlock()
	timer := time.NewTimer(unwindTime)
	defer timer.Stop()
	select {
	case <-done:
		return 0
	case <-timer.C:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.tasks)
}
