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
// Its mutex is never held while a destination's is taken, or the other way round.
type progress struct {
	of  *set     // the set that the parts are of; nil before the first dispatch
	one [1]part  // in which the part is, if there is one
	ptr [1]*part // in which parts is then

	mu     sync.Mutex
	parts  []*part         // written with the mutex, and only while no call runs
	event  *events.Event   // of the dispatch under way
	ctx    context.Context // of the dispatch under way
	ended  *sync.Cond      // active is less; nil until a dispatch has to wait
	resume func()          // of the last Hold
	active int32           // the dispatch under way, and the calls that it waits for
	over   bool            // the delivery has ended
	onEnd  bool            // the Delivery will report its end
	due    bool            // a part may go on, since the last dispatch
}

// dispatch calls what can be called, and waits for it.
func (p *progress) dispatch(ctx context.Context, to *set, d *events.Delivery, e *events.Event) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch p.of {
	case to:
	case nil:
		p.choose(to, d, e) //nolint:contextcheck // a condition takes no context
	default:
		p.adopt(to, d, e) //nolint:contextcheck // a condition takes no context
	}
	if len(p.parts) == 0 {
		return events.ErrNoHandler
	}
	p.begin(ctx, e)
	exits := true // if a handler ends this goroutine
	defer func() {
		if exits {
			p.awaitCalls()
			p.withdraw()
		}
	}()
	p.callAll() //nolint:contextcheck // begin has kept ctx
	exits = false
	return p.end(ctx, d, e)
}

func (p *progress) begin(ctx context.Context, e *events.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx, p.event, p.active = ctx, e, 1
	p.due, p.resume = false, nil
}

// callAll calls what can be called now: the last in this goroutine, the others in theirs.
func (p *progress) callAll() {
	var last *part
	for _, part := range p.parts {
		if p.isSettled(part) || !part.destination.enter(part) {
			continue
		}
		if last != nil {
			p.start()
			go p.callAndLeave(last)
		}
		last = part
	}
	if last != nil {
		p.call(last, false)
	}
}

func (p *progress) isSettled(part *part) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return part.outcome == done || part.outcome == final
}

func (p *progress) start() {
	p.mu.Lock()
	p.active++
	p.mu.Unlock()
}

func (p *progress) leave() {
	p.mu.Lock()
	p.active--
	if p.ended != nil {
		p.ended.Signal()
	}
	p.mu.Unlock()
}

func (p *progress) callAndLeave(part *part) {
	stack.Grow()
	defer p.leave()
	p.call(part, false)
}

// call calls the handler of a destination that the event has entered.
func (p *progress) call(part *part, late bool) {
	if part.failures > 0 {
		p.set(part, open, nil)
	}
	exits := true
	defer func() {
		if exits {
			part.destination.finish(part, result{kind: stopped, err: errExited})
			part.failures++
			part.delay = ownDelay.Max
			p.set(part, failed, errExited)
		}
	}()
	r := p.run(part, late)
	exits = false
	switch v := part.destination.finish(part, r); v {
	case verdictWaits:
		if r.kind == held {
			events.OnResume(r.err, func() { part.destination.resumed(part) })
		}
	case verdictFailed:
		part.failures++
		part.delay = r.delay
		if r.kind != asksForDelay && r.kind != tooEarly {
			part.delay = ownDelay.EqualJitter(int(part.failures))
		}
		p.set(part, failed, r.err)
	case verdictFinal:
		p.set(part, final, r.err)
	default:
		p.set(part, done, r.err)
	}
}

// run returns the result of a call.
func (p *progress) run(part *part, late bool) result {
	ctx, cancel := part.destination.context(p.ctx, part)
	outcome, err := events.Dispatch(ctx, part.destination.handler, p.event)
	r := resultOf(p.ctx, ctx, late, outcome, err)
	if cancel != nil {
		cancel()
	}
	if part.first && outcome == events.Failed {
		r.key = p.event.DeliveryKey()
	}
	return r
}

func (p *progress) set(part *part, o outcome, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part.outcome, part.err = o, err
}

// ready is called when a part may go on: a place is reserved for it, or its destination is
// retired. If a dispatch is under way, it calls the handler; otherwise the transport is asked
// for one.
func (p *progress) ready(part *part) {
	p.mu.Lock()
	resume := p.resume
	switch {
	case p.active == 0:
		p.due, p.resume = true, nil
	case p.ctx.Err() == nil:
		p.active++
		resume = nil
		go p.callLate(part)
	default:
		resume = nil
		p.active++ // the end of the dispatch has it wait again, and must not come before
		defer p.leave()
		defer part.destination.unreserve(part)
	}
	p.mu.Unlock()
	if resume != nil {
		resume()
	}
}

func (p *progress) callLate(part *part) {
	stack.Grow()
	defer p.leave()
	if part.destination.enter(part) {
		p.call(part, true)
	}
}

// awaitCalls waits for the calls of a dispatch, and reports whether a part waits.
func (p *progress) awaitCalls() (waits bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active--
	for p.active > 0 {
		if p.ended == nil {
			p.ended = sync.NewCond(&p.mu)
		}
		p.ended.Wait()
	}
	p.ctx, p.event = nil, nil // an event that is held must not keep them
	for _, part := range p.parts {
		waits = waits || part.outcome == open
	}
	return waits
}

// end waits for the calls, and returns the result of the dispatch.
func (p *progress) end(ctx context.Context, d *events.Delivery, e *events.Event) error {
	waits := p.awaitCalls()
	switch {
	case !waits:
		return p.result()
	case d == nil:
		return events.Hold(func(resume func()) { time.AfterFunc(time.Second, resume) }, p.reason())
	}
	if !p.onEnd {
		p.onEnd = true
		d.OnEnd(p.withdraw)
	}
	if isStopped(ctx) {
		return context.Cause(ctx)
	}
	reason := p.reason()
	for _, part := range p.parts {
		part.logFailure(e)
		switch part.outcome {
		case open:
			part.destination.requeue(part)
		case failed:
			part.destination.requeueAfter(part, part.delay)
		}
	}
	return events.Hold(p.notify, reason)
}

// notify registers the function that asks the transport for another dispatch.
func (p *progress) notify(resume func()) {
	p.mu.Lock()
	now := p.due
	if !now {
		p.resume = resume
	}
	p.mu.Unlock()
	if now {
		resume()
	}
}

// withdraw ends the waiting of all parts, because the delivery has ended.
func (p *progress) withdraw() {
	p.mu.Lock()
	p.resume, p.over = nil, true
	parts := p.parts
	p.mu.Unlock()
	for _, part := range parts {
		part.destination.withdraw(part, true)
	}
}
