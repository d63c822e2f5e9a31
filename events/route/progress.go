package route

import (
	"context"
	"errors"
	"sync"
	"time"

	"wildix-worker/events"
	"wildix-worker/internal/backoff"
	"wildix-worker/internal/stack"
)

// ownDelay is the time between two tries of an event whose failure is its own, while the
// event is held for another destination.
var ownDelay = backoff.Exponential{Min: 5 * time.Second, Max: 15 * time.Minute}

// errExited is the failure of a handler that ends its goroutine.
var errExited = errors.New("the handler has called runtime.Goexit")

// progress is what a Router keeps of a delivery: which destinations want the event, and
// which of them have it. It does not keep the event, since a transport may drop that while
// it holds its message, and decode it again.
//
// Its mutex is never held while a destination's is taken, or the other way round. It is small,
// since there may be thousands while a destination is down: what only a dispatch needs is in
// that.
type progress struct {
	of    *set    // the set that the parts are of; nil before the first dispatch
	one   [1]part // the first part; the others are in a piece of their own
	parts *part   // the first of a list; written with the mutex, and only while no call runs

	mu sync.Mutex
	// goesOn is what goes on with a part that is ready: the *dispatch under way, or the
	// [events.Resumer] of the last hold. It is nil if there is neither.
	goesOn  any
	held    bool // it was, at least once
	over    bool // the delivery has ended
	due     bool // a part may go on, since the last dispatch
	mayWait bool // never changes once there are parts
}

// A dispatch is one call of the Router. It ends when the calls that it waits for have ended.
// Guarded by the progress's mutex, except what never changes.
type dispatch struct {
	ctx    context.Context // never changes
	event  *events.Event   // never changes
	active int             // the Router's call itself, and the calls that it waits for
	ended  *sync.Cond      // active is less; nil until somebody has to wait
}

// run calls what can be called, and waits for it. d is nil if the event can't wait.
func (p *progress) run(ctx context.Context, to *set, d *events.Delivery, e *events.Event) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch p.of {
	case to:
	case nil:
		p.mayWait = d != nil
		p.choose(to, e) //nolint:contextcheck // a condition takes no context
	default:
		p.adopt(to, e) //nolint:contextcheck // a condition takes no context
	}
	if p.parts == nil {
		return events.ErrNoHandler
	}
	dispatch := p.begin(ctx, e)
	exits := true  // if a handler ends this goroutine
	defer func() { //nolint:contextcheck // begin has kept ctx
		if exits {
			p.awaitCalls(dispatch)
			p.withdraw()
		}
	}()
	p.callAll(dispatch) //nolint:contextcheck // begin has kept ctx
	exits = false
	return p.end(dispatch) //nolint:contextcheck // begin has kept ctx
}

func (p *progress) begin(ctx context.Context, e *events.Event) *dispatch {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := &dispatch{ctx: ctx, event: e, active: 1}
	p.due, p.goesOn = false, d
	return d
}

// callAll calls what can be called now: the last in this goroutine, the others in theirs.
func (p *progress) callAll(in *dispatch) {
	var last *part
	var lastCall call
	for part := p.parts; part != nil; part = part.next {
		if p.isSettled(part) {
			continue
		}
		c, ok := part.destination.enter(part)
		if !ok {
			continue
		}
		if last != nil {
			p.start(in)
			go p.callAndLeave(in, last, lastCall)
		}
		last, lastCall = part, c
	}
	if last != nil {
		p.call(in, last, lastCall, false)
	}
}

func (p *progress) isSettled(part *part) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return part.outcome == done || part.outcome == final
}

func (p *progress) start(d *dispatch) {
	p.mu.Lock()
	d.active++
	p.mu.Unlock()
}

func (p *progress) leave(d *dispatch) {
	p.mu.Lock()
	d.active--
	if d.ended != nil {
		d.ended.Signal()
	}
	p.mu.Unlock()
}

func (p *progress) callAndLeave(in *dispatch, part *part, c call) {
	stack.Grow()
	defer p.leave(in)
	p.call(in, part, c, false)
}

// call calls the handler of a destination that the event has entered.
func (p *progress) call(in *dispatch, part *part, c call, late bool) {
	if part.failures() > 0 {
		p.set(part, open, setback{failures: part.failures()})
	}
	exits := true
	defer func() {
		if exits {
			part.destination.finish(part, c, result{kind: stopped, err: errExited})
			p.set(part, failed, setback{errExited, ownDelay.Max, part.failures() + 1})
		}
	}()
	r := in.call(part, c, late)
	exits = false
	switch v := part.destination.finish(part, c, r); v {
	case verdictWaits:
		if r.kind == held {
			events.OnResume(r.err, func() { part.destination.resumed(part) })
		}
	case verdictFailed:
		p.set(part, failed, part.failedAgain(r))
	case verdictFinal:
		p.set(part, final, setback{err: r.err})
	default:
		p.set(part, done, setback{err: r.err})
	}
}

// failedAgain returns the setback of a failure of the event's own.
func (p *part) failedAgain(r result) setback {
	s := setback{r.err, r.delay, p.failures() + 1}
	if r.kind != asksForDelay && r.kind != tooEarly {
		s.delay = ownDelay.EqualJitter(s.failures)
	}
	return s
}

// call returns the result of a call.
func (d *dispatch) call(part *part, c call, late bool) result {
	ctx, cancel := part.destination.context(d.ctx, part)
	outcome, err := events.Dispatch(ctx, part.destination.handler, d.event)
	r := resultOf(d.ctx, ctx, late, outcome, err)
	if cancel != nil {
		cancel()
	}
	if c.first && outcome == events.Failed {
		r.key = d.event.DeliveryKey()
	}
	return r
}

func (p *progress) set(part *part, o outcome, s setback) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part.outcome, part.setback = o, nil
	if s.err != nil || s.failures > 0 {
		kept := s // so that no other is allocated
		part.setback = &kept
	}
}

// ready is called when a part may go on: a place is reserved for it, or its destination is
// retired. If a dispatch is under way, it calls the handler; otherwise the transport is asked
// for one.
func (p *progress) ready(part *part) {
	p.mu.Lock()
	d, underWay := p.goesOn.(*dispatch)
	resumer, held := p.goesOn.(events.Resumer)
	switch {
	case !underWay:
		p.due, p.goesOn = true, nil
	case d.ctx.Err() == nil:
		d.active++
		go p.callLate(d, part)
	default:
		d.active++ // the end of the dispatch has it wait again, and must not come before
		defer p.leave(d)
		defer part.destination.unreserve(part)
	}
	p.mu.Unlock()
	if held {
		resumer.Resume()
	}
}

func (p *progress) callLate(in *dispatch, part *part) {
	stack.Grow()
	defer p.leave(in)
	if c, ok := part.destination.enter(part); ok {
		p.call(in, part, c, true)
	}
}

// awaitCalls waits for the calls of a dispatch, ends it, and reports whether a part waits.
func (p *progress) awaitCalls(d *dispatch) (waits bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.active--
	for d.active > 0 {
		if d.ended == nil {
			d.ended = sync.NewCond(&p.mu)
		}
		d.ended.Wait()
	}
	p.goesOn = nil // an event that is held must not keep its dispatch
	for part := p.parts; part != nil; part = part.next {
		waits = waits || part.outcome == open
	}
	return waits
}

// end waits for the calls, and returns the result of the dispatch.
func (p *progress) end(d *dispatch) error {
	waits := p.awaitCalls(d)
	switch {
	case !waits:
		return p.result()
	case !p.mayWait:
		return events.Hold(func(resume func()) { time.AfterFunc(time.Second, resume) }, p.Reason())
	}
	if p.hold() {
		p.withdraw()
	}
	if isStopped(d.ctx) {
		return context.Cause(d.ctx)
	}
	reason := p.Reason()
	for part := p.parts; part != nil; part = part.next {
		part.logFailure(d.event)
		switch part.outcome {
		case open:
			part.destination.requeue(part)
		case failed:
			part.destination.requeueAfter(part, part.setback.delay)
		}
	}
	return events.HoldUntil(p, reason)
}

// hold records that a part waits, and reports whether the delivery has ended.
func (p *progress) hold() (over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = true
	return p.over
}

// NotifyResume has r resumed when another dispatch can do something.
func (p *progress) NotifyResume(r events.Resumer) {
	p.mu.Lock()
	now := p.due
	if !now {
		p.goesOn = r
	}
	p.mu.Unlock()
	if now {
		r.Resume()
	}
}

// Owner returns the Router that keeps the progress.
func (p *progress) Owner() any { return p.of.router }

// DeliveryEnded ends the waiting of all parts. Nothing waits of most deliveries that end.
func (p *progress) DeliveryEnded() {
	p.mu.Lock()
	p.over = true
	held := p.held
	p.mu.Unlock()
	if held {
		p.withdraw()
	}
}

// withdraw ends the waiting of all parts, because the delivery has ended.
func (p *progress) withdraw() {
	p.mu.Lock()
	p.over = true
	if _, held := p.goesOn.(events.Resumer); held {
		p.goesOn = nil
	}
	var few [8]*part
	parts := few[:0]
	for part := p.parts; part != nil; part = part.next {
		parts = append(parts, part)
	}
	p.mu.Unlock()
	for _, part := range parts {
		part.destination.withdraw(part, true)
	}
}
