package route

import (
	"slices"
	"time"
	"unique"

	"go.uber.org/zap"

	"wildix-worker/internal/backoff"
)

const (
	// openAfter is how many different events must fail one after another, at their first
	// attempts, before a destination is down.
	openAfter = 10
	// maxPause limits how long a handler can pause its destination with one error.
	maxPause = 5 * time.Minute
	// suspectsLogAfter is how long suspects wait without a success before that is logged.
	suspectsLogAfter = 30 * time.Second
	// pauseLogInterval is the least time between two lines about pauses: an endpoint that
	// limits its rate may ask for one every second.
	pauseLogInterval = time.Minute

	// A destination that is up again takes a share of its limit at once, and all of it
	// after rampTime, so that the events that waited don't bring it down again. With the
	// longest time between two probes, that is within five seconds.
	rampTime  = 2 * time.Second
	rampShare = 8
	rampSteps = 40
)

// retest is how long a suspect waits after the success of another event.
var retest = backoff.Exponential{Min: time.Second, Max: time.Second}

// circuit is what the results of the calls have shown about a destination.
type circuit struct {
	state       State
	since       time.Time
	pausedUntil time.Time
	rampFrom    time.Time // zero outside of the ramp
	opened      uint64    // calls that had begun then
	suspects    time.Time // when the first event failed of which no success has shown why

	logged      bool // that the destination is down, paused or failing
	downLogged  bool
	pauseLogged time.Time

	streak   []string // keys of the events that have failed since the last success
	calls    uint64   // numbers the calls
	failures uint64   // numbers the failures
	// proven is the number of the last failure before a call began that succeeded: the
	// destination was up after it.
	proven uint64
}

// finish records the result of a call, and returns what becomes of the event.
func (d *destination) finish(p *part, c call, r result) verdict {
	d.mu.Lock()
	defer d.unlock()
	probe := p.probe
	d.release(p)
	if p.ended {
		p.stage = gone
	}
	if d.retired {
		return judgeRetired(p, r)
	}
	v := d.judge(p, c, r)
	if probe && r.kind.showsNothing() {
		d.probes.next = time.Now() // with another event
	}
	if d.probes.owed && len(d.probes.list) < maxProbes {
		d.probes.next, d.probes.owed = time.Now(), false
	}
	if until := d.circuit.pausedUntil; d.circuit.state == Paused && d.probes.next.Before(until) {
		d.probes.next = until
	}
	return v
}

func (d *destination) judge(p *part, c call, r result) verdict {
	waits := p.progress.mayWait && !p.ended
	switch r.kind {
	case handled:
		d.succeeded(c)
		return verdictDone
	case duplicate:
		d.counts.Duplicates++
		return verdictDone
	case ignored:
		return verdictDone
	case stopped, tooEarly:
		return verdictFailed
	case notTried:
		return verdictWaits
	case replaced:
		d.replaced(p, waits)
	case held:
		if waits {
			d.byOther.push(p)
			p.stage = heldByHandler
		}
	default:
		return d.judgeFailure(p, c, r, waits)
	}
	if !waits {
		return verdictFailed
	}
	return verdictWaits
}

// judgeRetired returns what becomes of an event after a call of a retired destination. If it
// has failed, the new set decides.
func judgeRetired(p *part, r result) verdict {
	switch {
	case r.kind == handled, r.kind == duplicate, r.kind == ignored:
		return verdictDone
	case !p.progress.mayWait, p.ended:
		return verdictFailed
	default:
		return verdictWaits
	}
}

func (d *destination) judgeFailure(p *part, c call, r result, waits bool) verdict {
	now := time.Now()
	d.counts.Failed++
	d.counts.LastError, d.counts.LastFailure = r.err.Error(), now
	if r.kind == permanent {
		return verdictFinal
	}
	own := d.failed(p, c, r, now)
	if own || !waits {
		return verdictFailed
	}
	p.lastFailure = unique.Make(d.counts.LastError)
	d.suspect(p, now)
	return verdictWaits
}

// succeeded records that an event was handled.
func (d *destination) succeeded(success call) {
	now := time.Now()
	last := d.counts.LastSuccess
	d.counts.Handled++
	d.counts.LastSuccess = now
	c := &d.circuit
	c.streak = c.streak[:0]
	c.proven = max(c.proven, success.failuresBefore)
	switch {
	case c.state != Up && (success.begun <= c.opened || now.Before(c.pausedUntil)):
		// That it was up before shows nothing.
	case c.state != Up:
		d.close(success, now)
	default:
		// Suspects that are many after a time without any success are an outage that
		// new events have not noticed.
		d.clear(now, d.waiting.length >= openAfter && now.Sub(last) > rampTime)
	}
}

// clear has those suspects tried again that failed before a call began that succeeded.
func (d *destination) clear(now time.Time, ramp bool) {
	for p := d.waiting.head; p != nil; {
		next := p.after
		if p.failure <= d.circuit.proven {
			d.waiting.remove(p)
			if ramp {
				d.enqueue(p)
			} else {
				d.enqueueAt(p, now.Add(retest.EqualJitter(1)))
			}
		}
		p = next
	}
	if ramp {
		d.circuit.rampFrom = now
	}
	if d.waiting.length > 0 || d.circuit.suspects.IsZero() {
		return
	}
	if d.circuit.logged {
		d.log.Info("destination up", zap.Duration("after", now.Sub(d.circuit.suspects)))
	}
	d.circuit.suspects, d.circuit.logged = time.Time{}, false
}

// failed records a failure, and reports whether it is due to the event: at an earlier try
// it failed too, and since then the destination has handled another.
func (d *destination) failed(p *part, of call, r result, now time.Time) (own bool) {
	c := &d.circuit
	c.failures++
	if p.failure == 0 || !of.steady {
		p.failure = c.failures
	}
	own = of.retested || r.kind == asksForDelay && of.steady
	switch {
	case r.kind == unavailable:
		own = false
		d.pause(r, now)
	case c.state == Paused && !now.Before(c.pausedUntil):
		d.open(now, r.err)
	case c.state == Up && of.first && !slices.Contains(c.streak, r.key):
		if c.streak = append(c.streak, r.key); len(c.streak) >= openAfter {
			d.open(now, r.err)
		}
	}
	if own {
		p.failure = 0
	}
	return own
}

// suspect has an event wait that failed for a reason that is not known yet.
func (d *destination) suspect(p *part, now time.Time) {
	if d.circuit.state == Up && d.circuit.suspects.IsZero() {
		d.circuit.suspects = now
		d.probes.restart(now)
	}
	d.number(p)
	p.stage = waitsForUp
	d.waiting.push(p)
}

// replaced has a probe wait again whose context was ended.
func (d *destination) replaced(p *part, waits bool) {
	if waits && p.failure > 0 {
		d.suspect(p, time.Now())
		return
	}
	if waits {
		d.enqueue(p)
	}
}

// open begins an outage.
func (d *destination) open(now time.Time, err error) {
	d.down(Down, now)
	if !d.circuit.downLogged {
		d.log.Warn("destination down", zap.Error(err))
	}
	d.circuit.logged, d.circuit.downLogged = true, true
}

// pause has nothing passed to the destination for the time that its handler has asked for.
func (d *destination) pause(r result, now time.Time) {
	c := &d.circuit
	pause := min(r.delay, maxPause)
	d.down(Paused, now)
	if until := now.Add(pause); until.After(c.pausedUntil) {
		c.pausedUntil = until
	}
	if !c.logged && now.Sub(c.pauseLogged) >= pauseLogInterval {
		d.log.Warn("destination paused", zap.Duration("pause", pause), zap.Error(r.err))
		c.logged, c.pauseLogged = true, now
	}
}

// down has all events wait.
func (d *destination) down(state State, now time.Time) {
	c := &d.circuit
	wasUp := c.state == Up
	c.state = state
	if !wasUp {
		return
	}
	c.since, c.rampFrom, c.streak = now, time.Time{}, c.streak[:0]
	c.proven, c.opened, c.suspects = 0, c.calls, time.Time{}
	for p := d.line.head; p != nil; p = d.line.head {
		d.line.remove(p)
		d.waiting.push(p)
		p.stage = waitsForUp
	}
	d.probes.restart(now)
}

// close ends an outage or a pause, because a call has succeeded.
func (d *destination) close(success call, now time.Time) {
	c := &d.circuit
	if c.logged {
		d.log.Info("destination up", zap.Duration("after", now.Sub(c.since)), zap.Int("held", d.waiting.length))
	}
	c.state, c.since, c.pausedUntil, c.logged = Up, now, time.Time{}, false
	c.rampFrom, c.downLogged = now, false
	d.probes.cancelBefore(success)
	for p := d.waiting.head; p != nil; p = d.waiting.head {
		d.waiting.remove(p)
		d.enqueue(p)
	}
}

// logSuspects logs that no event has succeeded for some time since one has failed, which
// may be an outage with too few events for the destination to be down.
func (d *destination) logSuspects(now time.Time) {
	c := &d.circuit
	if c.state == Up && !c.logged && now.Sub(c.suspects) >= suspectsLogAfter {
		c.logged = true
		d.log.Warn("destination failing", zap.Int("held", d.waiting.length), zap.String("error", d.counts.LastError))
	}
}
