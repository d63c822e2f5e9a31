package consumer_test

import (
	"context"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// A script has at most maxDestinations.
const (
	maxDestinations = 3
	allDestinations = 1<<maxDestinations - 1
)

// A destinationPlan is the configuration of one destination.
type destinationPlan struct {
	limit   int
	timeout time.Duration
}

func (d destinationPlan) String() string {
	text := fmt.Sprintf("%d at once", d.limit)
	if d.timeout > 0 {
		text += fmt.Sprintf(" for %v", d.timeout)
	}
	return text
}

var destinationPlans = rapid.Custom(func(t *rapid.T) destinationPlan {
	return destinationPlan{limit: oneOf(t, 8, 64, 1, 2), timeout: oneOf(t, 0, 0, 5*time.Second, 30*time.Second)}
})

// behaviour is how a destination treats all events.
type behaviour int

const (
	works behaviour = iota
	isDown
	hangs
	isBroken
	isUnavailable
)

func (b behaviour) String() string {
	return [...]string{"works", "is down", "hangs", "panics", "is unavailable"}[b]
}

// act is what the handler does with an event, unless the destination works.
func (b behaviour) act() act {
	switch b {
	case hangs:
		return act{ends: fails, takes: 24 * time.Hour}
	case isBroken:
		return act{ends: panics}
	case isUnavailable:
		return act{ends: pauses, delay: time.Minute}
	default:
		return act{ends: fails}
	}
}

// turn changes how a destination behaves from now on. Calls that hang go on.
type turn struct {
	destination int
	to          behaviour
}

func drawTurn(t *rapid.T) step {
	return turn{
		destination: rapid.IntRange(0, maxDestinations-1).Draw(t, "destination"),
		to:          oneOf(t, works, works, isDown, isDown, hangs, hangs, isBroken, isUnavailable),
	}
}

func (s turn) String() string { return fmt.Sprintf("destination %d %v", s.destination, s.to) }

func (s turn) play(w *world) {
	if s.destination >= len(w.destinations) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(nil, "destination %d %v", s.destination, s.to)
	w.turned(s.destination, s.to)
}

// flood puts simple messages on the queue, enough for a destination to be found down.
type flood int

func drawFlood(t *rapid.T) step { return flood(rapid.IntRange(10, 30).Draw(t, "flood")) }

func (f flood) String() string { return fmt.Sprintf("send %d simple ones", int(f)) }

func (f flood) play(w *world) {
	s := make(send, f)
	for i := range s {
		s[i] = outgoing{group: fmt.Sprint("flood", i), to: allDestinations}
	}
	s.play(w)
}

// newRouter returns the router of the process.
func (p *process) newRouter() *route.Router {
	var cfg route.Config
	for n, plan := range p.destinations {
		cfg.Destinations = append(cfg.Destinations, route.Destination{
			Name: fmt.Sprintf("destination %d", n), Handler: destination{p, n},
			When:        func(e *events.Event) (bool, error) { return p.wants(n, string(e.Raw)), nil },
			Concurrency: plan.limit, Timeout: plan.timeout,
		})
	}
	router, err := route.New(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	return router
}

// route passes an event to the router.
func (p *process) route(ctx context.Context, entry *entry, e *events.Event) error {
	outcome, how := events.Failed, "ends its goroutine"
	var hold bool
	defer func() { // also when a destination ends the goroutine
		p.endsRouted(entry, outcome, hold, how)
	}()
	err := p.router.HandleEvent(ctx, e)
	how = fmt.Sprint(err)
	switch {
	case err == nil:
		outcome = events.Handled
	case err == events.ErrNoHandler: // not one that wraps it, as in events.Dispatch
		outcome = events.Ignored
	case err == events.ErrDuplicate:
		outcome = events.Duplicate
	default:
		hold = events.IsHold(err)
	}
	return err
}

// destination is the handler of one destination of a process.
type destination struct {
	*process
	number int
}

// HandleEvent handles the event as the destination behaves, or as the script says of the
// event.
func (d destination) HandleEvent(ctx context.Context, e *events.Event) error {
	entry, a := d.called(string(e.Raw), e.ReceiveCount)
	if entry == nil {
		return errDead
	}
	switch gaveUp, err := d.perform(ctx, a); {
	case err != nil:
		return err
	case gaveUp:
		a.ends = fails
		d.returned(entry, a, "gives up, "+context.Cause(ctx).Error())
		return context.Cause(ctx)
	}
	d.returned(entry, a, a.ends.String())
	return a.end()
}

// called records a call of the handler, and returns what it does.
func (d destination) called(body string, receives int) (*entry, act) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.byBody[body]
	h := d.holdings[e]
	if d.dead || h == nil {
		return nil, act{}
	}
	r, p := &d.stations[d.number], &h.parts[d.number]
	switch {
	case !h.running:
		d.violated(e, oneHandler, "comes to destination %d without a handler", d.number)
	case p.running:
		d.violated(e, oneHandler, "is twice at destination %d", d.number)
	case p.done:
		d.violated(e, notRepeated, "comes again to destination %d, which has it", d.number)
	case e.to&(1<<d.number) == 0:
		d.violated(e, notRepeated, "comes to destination %d, which does not want it", d.number)
	}
	if r.running++; r.running > d.destinations[d.number].limit+8 {
		d.violated(e, withinCapacity, "is one of %d at destination %d", r.running, d.number)
	}
	a := act{takes: e.others}
	tries := &e.calls[d.number]
	switch b := d.behaviours[d.number]; {
	case b != works:
		a = b.act()
	case d.peace:
		a = act{}
	case e.at == d.number && *tries < len(e.acts):
		a = e.acts[*tries]
		a.own = true
	}
	*tries++
	p.first = p.calls == 0 && receives <= 1
	p.calls++
	p.running, p.begun = true, time.Now()
	r.lastBegun = time.Now()
	if a.onCancel == ignoresCancel {
		d.ignoresCancel, h.ignoring = true, true
		r.ignoring++
	}
	d.note(e, "destination %d of worker %d begins: %v", d.number, d.process.number, a)
	return e, a
}

// returned records the result of a call.
func (d destination) returned(e *entry, a act, how string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return
	}
	d.note(e, "destination %d of worker %d ends: %s", d.number, d.process.number, how)
	now := time.Now()
	r, p := &d.stations[d.number], &d.holdings[e].parts[d.number]
	r.running--
	if a.onCancel == ignoresCancel {
		r.ignoring--
	}
	p.running, p.since = false, now
	switch {
	case a.ends == holds:
		p.since = now.Add(a.delay)
	case a.ends.outcome().Done():
		p.done = true
		if a.ends == succeeds {
			r.succeeded(p.begun, now)
		}
	default:
		if p.failed.IsZero() {
			p.failed = now
		}
		p.ownFailure = a.own
		r.failed(e, a, p.first, now)
	}
}

// station is the state of a destination in one process.
type station struct {
	running, ignoring int // calls, and those of them that ignore their contexts
	lastBegun         time.Time
	lastSuccess       time.Time
	recovered         time.Time // when the first call succeeded that began after the last failure
	lastFailure       time.Time
	pausedUntil       time.Time
	paused            bool                 // it was, since the last success
	failures          map[*entry]time.Time // first attempts that failed since the last success
	down              time.Time            // when it may have been found down; zero if it is up
}

func (r *station) succeeded(begun, now time.Time) {
	r.lastSuccess = now
	for e, at := range r.failures {
		if at.Before(now) {
			delete(r.failures, e)
		}
	}
	if begun.After(r.down) {
		r.down = time.Time{}
	}
	if begun.After(r.lastFailure) && begun.After(r.pausedUntil) {
		r.paused = false
		if !r.recovered.After(r.lastFailure) {
			r.recovered = now
		}
	}
}

func (r *station) failed(e *entry, a act, first bool, now time.Time) {
	r.lastFailure = now
	if a.ends == pauses {
		r.paused = true
		r.pausedUntil = now.Add(a.delay)
	}
	if first {
		if r.failures == nil {
			r.failures = make(map[*entry]time.Time)
		}
		r.failures[e] = now
	}
	if len(r.failures) >= 10 && r.down.IsZero() {
		r.down = now
	}
}

// part is the state of a message at one destination, in this delivery.
type part struct {
	running    bool
	done       bool
	calls      int
	first      bool      // this is the first attempt of the first delivery
	begun      time.Time // the last call
	since      time.Time // when the message began to wait
	failed     time.Time // when it failed first
	ownFailure bool      // the last failure was the message's own
}

// explained reports whether a failure may be returned: it is the message's own, or looks
// like it, because the destination has handled another message since the first one.
func (p *part) explained(r *station) bool {
	return !p.failed.IsZero() && (p.ownFailure || !r.lastSuccess.Before(p.failed))
}

// wants reports whether a destination wants a message.
func (l *ledger) wants(destination int, body string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.byBody[body]
	return e != nil && e.to&(1<<destination) != 0
}

// turned changes the behaviour of a destination. The lock must be held.
func (l *ledger) turned(destination int, to behaviour) {
	if l.behaviours[destination] != to {
		l.behaviours[destination], l.turnedAt[destination] = to, time.Now()
	}
}
