package finish

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/internal/backoff"
)

// retryDelay is the time between two tries of a part that has failed, while the other part
// is held.
var retryDelay = backoff.Exponential{Min: 5 * time.Second, Max: 15 * time.Minute}

var errGoexit = errors.New("handler called runtime.Goexit")

// A delivery is what a Handler keeps of one delivery of an event. It has two parts, which do
// not wait for each other: the event itself, and the call that it is about. It does not keep
// the event, since a transport may drop that while it holds its message, and decode it again.
type delivery struct {
	outer  *events.Delivery // nil if the transport can't hold the event
	direct events.Handler   // gets the event if the state is not needed

	mu     sync.Mutex
	raw    part
	call   part
	event  *events.Event   // of the dispatch under way
	facts  *calls.Facts    // of event
	ctx    context.Context // of the dispatch under way
	half   time.Time       // after which no part is begun in this dispatch; zero if it has no deadline
	active int             // the dispatch under way, and the parts that run
	left   *sync.Cond      // active is less; nil until a dispatch has to wait
	due    bool            // a part has become ready since the last dispatch
	resume func()          // of the last hold
	kept   bool            // outer will report its end
	onEnd  []func()
}

// A part is handled on its own, and may be held and fail on its own.
type part struct {
	handler  events.Handler
	stage    stage
	err      error // of the last call
	failures int
	retry    *time.Timer // while it has failed and the other part is held
}

type stage uint8

const (
	ready   stage = iota // to be called in the next dispatch
	running              // being called
	held                 // has asked to be called later
	failed               // may be tried again
	done                 // err is nil, ErrDuplicate or ErrNoHandler
	final                // has failed, and no other try helps
)

// handle calls the parts that are ready, and waits for them.
func (d *delivery) handle(ctx context.Context, e *events.Event, facts *calls.Facts) error {
	if d.direct != nil {
		return d.direct.HandleEvent(ctx, e)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var last *part
	for _, p := range d.begin(ctx, e, facts) {
		if last != nil {
			go d.run(last)
		}
		last = p
	}
	if last != nil {
		d.run(last)
	}
	err := d.end(ctx)
	if d.outer != nil && !d.kept && (events.IsHold(err) || len(d.onEnd) > 0) {
		d.kept = true
		d.outer.OnEnd(d.close)
	}
	return err
}

func (d *delivery) parts() [2]*part { return [2]*part{&d.call, &d.raw} }

// begin begins a dispatch, and returns the parts to run.
func (d *delivery) begin(ctx context.Context, e *events.Event, facts *calls.Facts) (parts []*part) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.event, d.facts = e, facts
	d.ctx, d.active, d.due, d.resume, d.half = ctx, 1, false, nil, time.Time{}
	if deadline, ok := ctx.Deadline(); ok {
		d.half = time.Now().Add(time.Until(deadline) / 2)
	}
	for _, p := range d.parts() {
		if p.stage == ready {
			p.stage = running
			d.active++
			parts = append(parts, p)
		}
	}
	return parts
}

// run calls the handler of a part.
func (d *delivery) run(p *part) {
	outcome, err := events.Failed, errGoexit
	defer func() { d.leave(p, outcome, err) }()
	outcome, err = events.Dispatch(d.ctx, p.handler, d.event)
	switch outcome {
	case events.Duplicate:
		err = events.ErrDuplicate
	case events.Ignored:
		err = events.ErrNoHandler
	}
}

// leave records the result of a call.
func (d *delivery) leave(p *part, outcome events.Outcome, err error) {
	d.mu.Lock()
	p.err = err
	switch {
	case outcome.Done():
		p.stage = done
	case events.IsHold(err):
		p.stage = held
	case events.IsPermanent(err):
		p.stage = final
	default:
		p.stage = failed
		p.failures++
	}
	isHeld := p.stage == held
	d.mu.Unlock()
	if isHeld {
		events.OnResume(err, func() { d.ready(p) })
	}
	d.mu.Lock()
	d.active--
	if d.left != nil {
		d.left.Signal()
	}
	d.mu.Unlock()
}

// ready is called when a part may be called again. If a dispatch is under way and has time
// left, it goes on with it, since the other part may take long; otherwise the transport is
// asked for one.
func (d *delivery) ready(p *part) {
	d.mu.Lock()
	if p.stage != held && p.stage != failed {
		d.mu.Unlock()
		return
	}
	p.stage = ready
	resume := d.resume
	switch {
	case d.active == 0:
		d.due, d.resume = true, nil
	case d.ctx.Err() == nil && (d.half.IsZero() || time.Now().Before(d.half)):
		p.stage = running
		d.active++
		go d.run(p)
		resume = nil
	default:
		d.due = true
		resume = nil
	}
	d.mu.Unlock()
	if resume != nil {
		resume()
	}
}

// end waits for the parts, and returns the result of the dispatch.
func (d *delivery) end(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.active--
	for d.active > 0 {
		if d.left == nil {
			d.left = sync.NewCond(&d.mu)
		}
		d.left.Wait()
	}
	d.ctx, d.event, d.facts = nil, nil, nil // an event that is held must not keep them
	var reasons []string
	busy := true
	for _, p := range d.parts() {
		p.stopRetry()
		switch p.stage {
		case held:
			busy = busy && events.IsBusy(p.err)
			reasons = append(reasons, strings.TrimPrefix(p.err.Error(), "held: "))
		case ready:
			reasons = append(reasons, "there was too little time left")
		}
	}
	switch {
	case len(reasons) == 0:
		return d.result()
	case isStopped(ctx):
		return context.Cause(ctx)
	}
	d.retryLater()
	reason := errors.New(strings.Join(reasons, "; "))
	if busy {
		reason = events.Busy(reason)
	}
	return events.Hold(d.notify, reason)
}

// retryLater has the parts that have failed called again while the other part is held.
func (d *delivery) retryLater() {
	for _, p := range d.parts() {
		if p.stage != failed || d.outer == nil {
			continue
		}
		delay, ok := events.RetryDelay(p.err)
		if !ok {
			delay = retryDelay.EqualJitter(p.failures)
		}
		p.retry = time.AfterFunc(delay, func() { d.ready(p) })
	}
}

func (p *part) stopRetry() {
	if p.retry != nil {
		p.retry.Stop()
		p.retry = nil
	}
}

// notify registers the function that asks the transport for another dispatch.
func (d *delivery) notify(resume func()) {
	d.mu.Lock()
	due := d.due
	if !due {
		d.resume = resume
	}
	d.mu.Unlock()
	if due {
		resume()
	}
}

// result returns the result when no part is held.
func (d *delivery) result() error {
	var failures []error
	handled, duplicate := false, false
	for _, p := range d.parts() {
		switch {
		case p.stage != done:
			failures = append(failures, p.err)
		case p.err == nil:
			handled = true
		case p.err == events.ErrDuplicate: //nolint:errorlint // the very value
			duplicate = true
		}
		if p.stage == failed {
			p.stage = ready // if the delivery goes on all the same
		}
	}
	switch {
	case len(failures) == 1:
		return failures[0]
	case len(failures) > 1:
		return errors.Join(failures...)
	case !handled && duplicate:
		return events.ErrDuplicate
	default:
		return nil // also if no destination wants the event: the state has it
	}
}

// closeWith has f called when the delivery ends.
func (d *delivery) closeWith(f func()) {
	d.mu.Lock()
	d.onEnd = append(d.onEnd, f)
	d.mu.Unlock()
}

// close ends all waiting.
func (d *delivery) close() {
	d.mu.Lock()
	d.resume = nil
	for _, p := range d.parts() {
		p.stopRetry()
	}
	onEnd := d.onEnd
	d.onEnd = nil
	d.mu.Unlock()
	for _, f := range onEnd {
		f()
	}
}

// isStopped reports whether the context has ended for another reason than its deadline.
func isStopped(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}
