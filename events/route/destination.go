package route

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// A destination decides when its handler is called. Everything that happens to it goes
// through one mutex: an event enters, a call finishes, an event leaves, its timer fires.
// Each of these ends with unlock, which starts what can be started.
type destination struct {
	name    string
	version string
	handler events.Handler
	selects selection
	limit   int
	timeout time.Duration
	log     *zap.Logger

	mu      sync.Mutex
	circuit circuit
	probes  probes
	running int     // calls that are running, and places reserved for some
	line    queue   // events that wait for a place
	waiting queue   // events that wait until the destination is up; while it is, suspects
	delayed delayed // events that wait for their time
	byOther queue   // events that the handler itself has asked to hold
	entered uint64  // numbers events in the order of their first wait
	counts  Stats

	woken   []*part // may go on by the change under way; unlock reports them
	timer   *time.Timer
	timerAt time.Time // zero if the timer is stopped

	retired bool          // no call begins, and no event waits
	idle    chan struct{} // closed when the last call of a retired destination has ended
}

func newDestination(d Destination, log *zap.Logger) *destination {
	limit := d.Concurrency
	if limit == 0 {
		limit = DefaultConcurrency
	}
	return &destination{
		name:    d.Name,
		version: d.Version,
		handler: d.Handler,
		selects: selection{on: d.On, when: d.When},
		limit:   limit,
		timeout: d.Timeout,
		log:     log.With(zap.String("destination", d.Name)),
		circuit: circuit{since: time.Now()},
		idle:    make(chan struct{}),
	}
}

// enter reports whether the handler may be called with the event now. The caller must call
// it then, and finish with that call. If it may not, the event waits.
func (d *destination) enter(p *part) (c call, ok bool) {
	d.mu.Lock()
	defer d.unlock()
	switch {
	case d.retired:
		if p.stage == placeReserved {
			d.release(p)
		}
		return call{}, false
	case p.stage == placeReserved:
		if d.circuit.state != Up && !p.probe { // went down in between
			d.release(p)
			d.enqueue(p)
			return call{}, false
		}
	case p.stage != idle:
		return call{}, false
	case d.circuit.state != Up:
		if now := time.Now(); !d.probes.due(now) {
			d.enqueue(p)
			return call{}, false
		}
		d.reserveProbe(p)
	case d.line.length > 0 || d.running >= d.allowed():
		d.enqueue(p)
		return call{}, false
	default:
		d.running++
	}
	return d.begin(p), true
}

// enqueue has the event wait for a place, or for the destination to be up.
func (d *destination) enqueue(p *part) {
	if !p.progress.mayWait {
		return
	}
	if d.retired {
		d.wake(p)
		return
	}
	d.number(p)
	if d.circuit.state == Up {
		p.stage = waitsForPlace
		d.line.push(p)
		return
	}
	p.stage = waitsForUp
	d.waiting.push(p)
}

// enqueueAt has the event wait until its time, and then for a place.
func (d *destination) enqueueAt(p *part, due time.Time) {
	if d.retired {
		d.wake(p)
		return
	}
	d.number(p)
	p.stage = waitsForTime
	d.delayed.add(p, due)
}

func (d *destination) number(p *part) {
	if p.number == 0 {
		d.entered++
		p.number = d.entered
	}
}

// reserve gives the event a place, and has unlock report it.
func (d *destination) reserve(p *part) {
	d.running++
	p.stage = placeReserved
	d.wake(p)
}

// wake has unlock report that the event may go on.
func (d *destination) wake(p *part) { d.woken = append(d.woken, p) }

// release frees the place of an event.
func (d *destination) release(p *part) {
	d.running--
	p.stage = idle
	if p.probe {
		d.probes.remove(p)
	}
	if d.retired && d.running == 0 {
		close(d.idle)
	}
}

// unlock starts what can be started, sets the timer, and unlocks the mutex. Then it
// tells the deliveries of the events that may go on.
func (d *destination) unlock() {
	if d.line.length+len(d.delayed)+len(d.woken) == 0 && !d.probing() && d.timerAt.IsZero() {
		d.mu.Unlock()
		return
	}
	now := time.Now()
	for len(d.delayed) > 0 && !d.delayed[0].due.After(now) {
		p := d.delayed[0].part
		d.delayed.remove(p)
		d.enqueue(p)
	}
	d.probe(now)
	for d.circuit.state == Up && d.line.length > 0 && d.running < d.allowed() {
		p := d.line.head
		d.line.remove(p)
		d.reserve(p)
	}
	d.setTimer(now)
	woken := d.woken
	d.woken = nil
	d.mu.Unlock()
	for _, p := range woken {
		p.progress.ready(p)
	}
}

// allowed returns how many calls may be running now, probes of a destination that is down
// aside.
func (d *destination) allowed() int {
	if d.circuit.rampFrom.IsZero() {
		return d.limit
	}
	first := max(1, d.limit/rampShare)
	elapsed := time.Since(d.circuit.rampFrom)
	if elapsed >= rampTime {
		d.circuit.rampFrom = time.Time{}
		return d.limit
	}
	return first + int(elapsed*time.Duration(d.limit-first)/rampTime)
}

// setTimer sets the timer to when something can be started that no other call will start.
func (d *destination) setTimer(now time.Time) {
	var next time.Time
	earliest := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if len(d.delayed) > 0 {
		earliest(d.delayed[0].due)
	}
	if d.probing() && (d.circuit.state != Up || d.waiting.length == 0 || d.running < d.allowed()) {
		earliest(d.probes.next)
	}
	if (d.line.length > 0 || d.waiting.length > 0) && !d.circuit.rampFrom.IsZero() {
		earliest(now.Add(rampTime / rampSteps))
	}
	switch {
	case next.Equal(d.timerAt):
	case next.IsZero():
		d.timer.Stop()
	case d.timer == nil:
		d.timer = time.AfterFunc(next.Sub(now), d.tick)
	default:
		d.timer.Reset(next.Sub(now))
	}
	d.timerAt = next
}

func (d *destination) tick() {
	d.mu.Lock()
	d.timerAt = time.Time{}
	d.unlock()
}

// requeue has an event wait that does neither wait nor run.
func (d *destination) requeue(p *part) {
	d.mu.Lock()
	if p.stage == idle {
		d.enqueue(p)
	}
	d.unlock()
}

// requeueAfter has an event that failed wait for its next try.
func (d *destination) requeueAfter(p *part, delay time.Duration) {
	d.mu.Lock()
	if p.stage == idle {
		d.enqueueAt(p, time.Now().Add(delay))
	}
	d.unlock()
}

// unreserve frees a reserved place that can't be used yet.
func (d *destination) unreserve(p *part) {
	d.mu.Lock()
	if p.stage == placeReserved {
		d.release(p)
	}
	d.unlock()
}

// resumed is called when the handler may be called again with an event that it has asked
// to hold.
func (d *destination) resumed(p *part) {
	d.mu.Lock()
	if p.stage == heldByHandler {
		d.byOther.remove(p)
		p.stage = idle
		d.enqueue(p)
	}
	d.unlock()
}

// withdraw ends the waiting of an event. If its delivery has ended, it never waits again.
func (d *destination) withdraw(p *part, ended bool) {
	d.mu.Lock()
	switch p.stage {
	case waitsForPlace:
		d.line.remove(p)
		p.stage = idle
	case waitsForUp:
		d.waiting.remove(p)
		p.stage = idle
	case waitsForTime:
		d.delayed.remove(p)
		p.stage = idle
	case heldByHandler:
		d.byOther.remove(p)
		p.stage = idle
	case placeReserved:
		d.release(p)
	}
	p.ended = p.ended || ended
	if p.ended && p.stage == idle {
		p.stage = gone
	}
	d.unlock()
}

// retire ends the waiting of all events, and has them dispatched again. Those that have a
// place are about to be.
func (d *destination) retire() {
	d.mu.Lock()
	defer d.unlock()
	d.retired = true
	for _, q := range []*queue{&d.line, &d.waiting, &d.byOther} {
		for p := q.head; p != nil; p = q.head {
			q.remove(p)
			p.stage = idle
			d.wake(p)
		}
	}
	for _, delayed := range d.delayed {
		delayed.part.stage = idle
		d.wake(delayed.part)
	}
	d.delayed = nil
	if d.running == 0 {
		close(d.idle)
	}
}

func (d *destination) stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.counts
	s.Name, s.State, s.Since = d.name, d.circuit.state, d.circuit.since
	if s.State == Paused {
		s.Until = d.circuit.pausedUntil
	}
	if s.State == Up {
		s.Suspects = d.waiting.length
	}
	s.Queued = d.line.length
	s.Held = d.line.length + d.waiting.length + len(d.delayed) + d.byOther.length
	s.Running = d.running
	return s
}
