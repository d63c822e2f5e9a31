package consumer_test

import (
	"errors"
	"slices"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/events/route"
)

const (
	longestHold = 12*time.Hour - 2*time.Minute // after which a message may be returned
	probePause  = 4 * time.Second
	// recovery is how long after the first success of a destination a message may wait for
	// it: two seconds until all places are used, and one for a message that failed.
	recovery = 4 * time.Second
)

// heldLease is the length of a lease of a held message.
func (p *process) heldLease() time.Duration { return max(p.settings.lease, 16*time.Minute) }

// holdsSome reports whether messages may be held, which take no place when they go on.
func (p *process) holdsSome() bool {
	return p.router != nil || slices.ContainsFunc(p.entries, func(e *entry) bool {
		return slices.ContainsFunc(e.acts, func(a act) bool { return a.ends == holds })
	})
}

// keepsTurn reports whether the message is held, so that no other message of its group or
// call may be handled. Not if its lease ends, which its process may know a little earlier.
func (h *holding) keepsTurn() bool {
	now := time.Now()
	return h.held && now.Before(h.until) && now.Before(h.since.Add(longestHold))
}

// pauses records that a handler ends and has the message held.
func (p *process) pauses(e *entry, a act) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.leaves(e, a.onCancel == ignoresCancel, a.String()); h != nil {
		h.held, h.heldAt, h.heldUntil = true, time.Now(), time.Now().Add(a.delay)
	}
}

// endsRouted records what the router has returned.
func (p *process) endsRouted(e *entry, outcome events.Outcome, hold bool, how string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.leaves(e, p.dead || p.holdings[e].ignoring, how)
	switch {
	case h == nil:
	case hold:
		h.held, h.heldAt = true, time.Now()
	default:
		h.ended = &outcome
	}
	if h == nil || !outcome.Done() {
		return
	}
	h.done, e.done = true, true
	for n := range p.destinations {
		if e.to&(1<<n) != 0 && !h.parts[n].done {
			p.violated(e, allHaveIt, "is done, but destination %d does not have it", n)
		}
	}
}

// receivedAgain records a receive, which may begin a new delivery.
func (p *process) receivedAgain(e *entry, h *holding) {
	if h.inHand && h.held && !p.disturbed && !h.robbed && p.stopAt.IsZero() {
		p.violated(e, noReceiveSpent, "is received again while worker %d holds it", p.number)
	}
	if h.inHand && (h.running || h.held) {
		return
	}
	h.inHand = true
	h.parts = [maxDestinations]part{}
	for n := range h.parts {
		h.parts[n].since = time.Now()
	}
}

// spendsNoReceive checks that a message is not returned because of an outage.
func (p *process) spendsNoReceive(e *entry, h *holding, r consumer.Result) {
	lost := errors.Is(r.Err, consumer.ErrLeaseLost)
	switch {
	case r.Outcome != events.Failed, errors.Is(r.Err, consumer.ErrStopping):
	case h.held && lost:
		if !p.disturbed && !h.robbed && p.stopAt.IsZero() {
			p.violated(e, noReceiveSpent, "has lost its lease while worker %d held it", p.number)
		}
	case h.held:
		if p.settings.maxHeld == 0 && time.Since(h.since) < longestHold {
			p.violated(e, noReceiveSpent, "is returned by worker %d, which could hold it: %v", p.number, r.Err)
		}
	case p.router == nil || lost || h.ended == nil:
	default:
		for n := range p.destinations {
			if h.parts[n].explained(&p.stations[n]) {
				return
			}
		}
		p.violated(e, noReceiveSpent, "is returned by worker %d because a destination is down: %v", p.number, r.Err)
	}
}

// returnsHeld checks when held messages are returned.
func (p *process) returnsHeld(e *entry, h *holding, timeout time.Duration) {
	if after := time.Since(latest(p.stopAt, h.heldAt)); h.held && !p.stopAt.IsZero() && timeout == 0 && !p.disturbed && after > 2*time.Second {
		p.violated(e, stopReturnsHeld, "is returned by worker %d %v after the stop", p.number, after)
	}
}

// allGoOn checks that no message waits longer than it must. All goroutines wait.
func (p *process) allGoOn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead || !p.stopAt.IsZero() {
		return
	}
	now := time.Now()
	for _, e := range p.entries {
		h := p.holdings[e]
		switch {
		case h == nil, e.kind != valid, !h.inHand, h.freed, h.robbed, h.done, h.refused, h.ended != nil, !now.Before(h.until):
		case h.running, h.held:
			if h.held && p.router == nil && h.heldUntil.Before(now) {
				p.violated(e, heldGoesOn, "is held by worker %d since it was resumed", p.number)
			}
			p.partsGoOn(e, h, now)
		case !p.disturbed && p.isAlone(e):
			p.partsGoOn(e, h, now)
		}
	}
}

// isAlone reports whether a message need not wait for another one of its group or call,
// and is not returned with one.
func (p *process) isAlone(e *entry) bool {
	if !p.fifo && !p.byCall {
		return true
	}
	if p.settings.maxHeld > 0 {
		return false
	}
	for other, h := range p.holdings {
		if other != e && other.group == e.group && (h.robbed || !h.freed || time.Since(h.reported) < 2*time.Second) {
			return false
		}
	}
	return true
}

// partsGoOn checks that the message waits for no destination that could take it.
func (p *process) partsGoOn(e *entry, h *holding, now time.Time) {
	for n := range p.destinations {
		part, r := &h.parts[n], &p.stations[n]
		if e.to&(1<<n) == 0 || part.done || part.running || part.explained(r) || r.running >= p.destinations[n].limit || r.ignoring > 0 || h.running && h.ignoring {
			continue
		}
		waited := now.Sub(latest(part.since, p.turnedAt[n], r.pausedUntil, r.recovered))
		switch healthy := p.behaviours[n] == works; {
		case r.lastFailure.IsZero() && healthy && now.Sub(part.since) > 0:
			p.violated(e, noneWaitsForAnother, "waits for destination %d for %v", n, now.Sub(part.since))
		case r.recovered.After(r.lastFailure) && healthy && waited > recovery:
			p.violated(e, heldGoesOn, "waits for destination %d for %v, which works", n, waited)
		case now.Sub(latest(part.since, r.lastBegun, r.pausedUntil)) > probePause:
			p.violated(e, isProbed, "waits for destination %d, which was last called at %v", n, r.lastBegun.Sub(p.begun))
		}
	}
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// circuitsAreTrue checks why a destination is down.
func (p *process) circuitsAreTrue() {
	if p.router == nil {
		return
	}
	stats := p.router.Stats()
	p.mu.Lock()
	defer p.mu.Unlock()
	for n, s := range stats {
		r := &p.stations[n]
		if s.State == route.Down && !r.paused && r.down.IsZero() && !p.dead {
			p.violated(nil, firstAttemptsOnly, "destination %d of worker %d is down after %d", n, p.number, len(r.failures))
		}
	}
}

// heldAreLimited checks how many messages are held.
func (p *process) heldAreLimited() {
	stats := p.consumer.Stats()
	p.mu.Lock()
	defer p.mu.Unlock()
	held := 0
	for _, h := range p.holdings {
		if h.held && h.inHand {
			held++
		}
	}
	limit := p.settings.maxHeld
	if limit == 0 {
		limit = consumer.DefaultMaxHeld
	}
	most := stats.Held
	if p.router != nil {
		most = limit + p.router.Concurrency() // those that wait for a place may keep their slots
	}
	if !p.dead && p.stopAt.IsZero() && (stats.Held > limit || held > most) {
		p.violated(nil, heldIsLimited, "worker %d holds %d messages, and says %d", p.number, held, stats.Held)
	}
}

// allAreReceived checks that visible messages are received soon while a destination can
// take them.
func (p *process) allAreReceived() {
	if p.router == nil || p.fifo || p.settings.maxHeld > 0 || !p.canTake() {
		return
	}
	for range 3 {
		if p.srv.Depth(p.name).Visible == 0 {
			return
		}
		time.Sleep(time.Second)
	}
	if visible := p.srv.Depth(p.name).Visible; visible > 0 && p.canTake() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.violated(nil, allIsReceived, "%d messages are not received by worker %d", visible, p.number)
	}
}

// canTake reports whether a destination without any trouble can take messages.
func (p *process) canTake() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := range p.destinations {
		if r := &p.stations[n]; p.behaviours[n] == works && r.lastFailure.IsZero() && r.running < p.destinations[n].limit {
			return !p.dead && !p.disturbed && p.stopAt.IsZero()
		}
	}
	return false
}
