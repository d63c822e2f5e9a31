package consumer_test

import (
	"errors"
	"slices"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// record is the state of one process, as the ledger knows it. The ledger's lock guards it.
type record struct {
	holdings      map[*entry]*holding
	running       int       // handlers
	ignoresCancel bool      // it had a handler that did not stop
	disturbed     bool      // it had trouble with SQS
	stopAt        time.Time // when its stop began
	dead          bool      // the ledger ignores it
	stations      [maxDestinations]station
}

// holding is the state of one message in one process.
type holding struct {
	handle string    // the newest
	since  time.Time // when it came
	until  time.Time // when the lease ends, as far as the process knows
	counts []int     // receive counts that have no outcome yet
	calls  int       // that are not answered
	freed  bool      // it needs nothing more

	running  bool            // its handler
	ended    *events.Outcome // the outcome of the handler that has ended and is not reported
	outcome  events.Outcome  // reported last
	outcomes int             // how many were reported
	atOnce   bool            // it must be returned without a delay
	done     bool
	refused  bool

	inHand    bool      // this delivery has no outcome yet
	reported  time.Time // the last outcome
	held      bool      // its handler has asked for it
	heldAt    time.Time // when it did
	heldUntil time.Time // when it is resumed; zero if that is up to the router
	robbed    bool      // the script has ended its lease once
	ignoring  bool      // its handler does not end with its context
	parts     [maxDestinations]part
}

// begins records that a handler begins, and returns what it does.
func (p *process) begins(body string) (*entry, act) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.byBody[body]
	h := p.holdings[e]
	switch now := time.Now(); {
	case p.dead:
		return nil, act{}
	case e == nil || e.kind != valid:
		p.violated(e, onlyVerifiedIsHandled, "came to a handler")
		return nil, act{}
	case h.running:
		p.violated(e, oneHandler, "has two handlers in worker %d", p.number)
	case h.done || h.refused:
		p.violated(e, notHandledAgain, "is handled again by worker %d", p.number)
	case now.After(h.until):
		p.violated(e, lostIsCancelled, "comes to the handler of worker %d, whose lease ended at %v", p.number, h.until.Sub(p.begun))
	case !p.stopAt.IsZero() && now.After(p.stopAt):
		p.violated(e, stopStartsNothing, "comes to the handler of worker %d, which is stopping", p.number)
	}
	if p.running++; p.running > p.settings.concurrency && !p.holdsSome() {
		p.violated(e, withinCapacity, "is one of %d that are handled at once", p.running)
	}
	switch {
	case p.fifo:
		p.overtakes(e)
	case p.byCall:
		p.meetsCall(e)
	}
	a := act{}
	if e.tries < len(e.acts) && !p.peace {
		a = e.acts[e.tries]
	}
	e.tries++
	h.running, h.held, h.ignoring = true, false, false
	p.ignoresCancel = p.ignoresCancel || a.onCancel == ignoresCancel
	p.note(e, "handler of worker %d begins: %v", p.number, a)
	return e, a
}

// overtakes checks the order of a group. Earlier messages that are not done may have
// become dead letters, so e was too early only if one of them is received again.
func (p *process) overtakes(e *entry) {
	for _, before := range p.entries[:slices.Index(p.entries, e)] {
		if before.group != e.group || before.kind != valid {
			continue
		}
		if h := p.holdings[before]; h != nil && (h.running || h.keepsTurn()) {
			p.violated(e, inOrder, "comes to a handler while %s is handled or held", before.name)
		}
		if !before.done && !before.refused {
			before.overtaken = e
		}
	}
}

// meetsCall checks that no other event of the call is being handled.
func (p *process) meetsCall(e *entry) {
	for other, h := range p.holdings {
		if (h.running || h.keepsTurn()) && other != e && other.group == e.group {
			p.violated(e, inOrder, "comes to a handler while %s, of the same call, is handled or held", other.name)
		}
	}
}

// ends records how a handler ends, and the outcome that must be reported.
func (p *process) ends(e *entry, ignoresCancel bool, outcome events.Outcome, how string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.leaves(e, ignoresCancel, how); h != nil {
		h.ended = &outcome
		if outcome.Done() {
			h.done, e.done = true, true
		}
	}
}

// leaves records that a handler ends. It returns nil if the process has died.
func (p *process) leaves(e *entry, ignoresCancel bool, how string) *holding {
	if p.dead {
		return nil
	}
	p.note(e, "handler of worker %d ends: %s", p.number, how)
	h := p.holdings[e]
	if !ignoresCancel && time.Now().After(h.until) {
		p.violated(e, lostIsCancelled, "was still with the handler of worker %d, whose lease ended at %v", p.number, h.until.Sub(p.begun))
	}
	p.running--
	h.running = false
	return h
}

// observe records a reported result.
func (p *process) observe(r consumer.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return
	}
	e := p.byID[r.MessageID]
	h := p.holdings[e]
	p.note(e, "worker %d reports %v, %v", p.number, r.Outcome, r.Err)
	at := slices.Index(h.counts, r.ReceiveCount)
	if at < 0 {
		p.violated(e, oneOutcome, "has a second outcome of worker %d, or one for a delivery that was not received", p.number)
		return
	}
	if !h.fits(e, r, p.settings.rejected) {
		p.violated(e, oneOutcome, "ends in %v, which is not what happened", r.Outcome)
	}
	p.spendsNoReceive(e, h, r)
	h.counts = slices.Delete(h.counts, at, at+1)
	h.outcome, h.ended, h.held, h.inHand = r.Outcome, nil, false, false
	h.outcomes++
	h.reported = time.Now()
	h.atOnce = errors.Is(r.Err, consumer.ErrStopping)
	if events.IsPermanent(r.Err) {
		e.refused, h.refused, h.freed = true, true, true
	}
	if e.kind != valid {
		h.freed = true
	}
}

// fits reports whether a result is true.
func (h *holding) fits(e *entry, r consumer.Result, rejected consumer.RejectedPolicy) bool {
	switch {
	case e.kind != valid:
		return r.Outcome == e.kind.outcome() || r.Outcome == events.Duplicate && h.outcomes > 0 && rejected != consumer.Leave
	case h.ended != nil:
		return r.Outcome == *h.ended
	case h.done:
		return r.Outcome == events.Duplicate
	case h.refused:
		return r.Outcome == events.Failed && events.IsPermanent(r.Err)
	case h.held:
		tooLong := time.Since(h.since) >= longestHold
		return r.Outcome == events.Failed && (events.IsHold(r.Err) || tooLong || errors.Is(r.Err, consumer.ErrLeaseLost) || errors.Is(r.Err, consumer.ErrStopping))
	default: // no handler was called
		return r.Outcome == events.Failed && errors.Is(r.Err, consumer.ErrLeaseLost)
	}
}

// failed reports whether the newest outcome is a failure, reported or not.
func (h *holding) failed() bool {
	switch {
	case h.running, h.held:
		return false
	case h.ended != nil:
		return *h.ended == events.Failed
	default:
		return h.outcomes > 0 && h.outcome == events.Failed
	}
}

// untried reports whether no handler was called for the message, so that it may be
// returned because of another message's failure or because too many are held.
func (h *holding) untried() bool { return !h.running && !h.held && h.ended == nil && !h.done }

// handledHaveOutcomes checks that every handler that succeeded was reported.
func (p *process) handledHaveOutcomes() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.entries {
		if h := p.holdings[e]; h != nil && h.ended != nil && h.ended.Done() && !p.dead {
			p.violated(e, oneOutcome, "has no outcome of worker %d, although its handler has succeeded", p.number)
		}
	}
}

// receivedHaveOutcomes checks that every message that was received was reported.
func (p *process) receivedHaveOutcomes() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.entries {
		if h := p.holdings[e]; h != nil && h.outcomes == 0 {
			p.violated(e, oneOutcome, "has no outcome of worker %d", p.number)
		}
	}
}

// stopped checks that a process that has stopped left nothing behind.
func (p *process) stopped() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(nil, "worker %d has stopped: %v", p.number, p.err)
	switch {
	case p.err == nil:
	case p.disturbed:
		return
	case !p.ignoresCancel:
		p.violated(nil, stopIsClean, "without any trouble, worker %d: %v", p.number, p.err)
	}
	for _, e := range p.entries {
		// Invalid messages are left, and a lease ends here a little before it ends at SQS.
		if h := p.holdings[e]; h != nil && e.kind == valid && !h.freed && time.Now().Add(time.Second).Before(h.until) {
			p.violated(e, stopIsClean, "is left behind by worker %d, leased until %v", p.number, h.until.Sub(p.begun))
		}
	}
}
