package consumer_test

import (
	"errors"
	"slices"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// record is what the ledger has on one process. Its lock guards it.
type record struct {
	holdings  map[*entry]*holding
	running   int       // handlers
	deaf      bool      // it had a handler that would not stop
	disturbed bool      // it had trouble with SQS
	stopAt    time.Time // when it was told to stop
	dead      bool      // what it does counts no more
}

// holding is what one process has of one message.
type holding struct {
	handle string    // the newest
	since  time.Time // when it came
	until  time.Time // when the lease ends, as far as the process was told
	counts []int     // receive counts that have no word yet
	calls  int       // that are not answered
	freed  bool      // there is nothing more to be done about it

	running bool            // its handler
	ended   *events.Outcome // what is to be said of the handler that has ended
	word    events.Outcome  // what was said last
	words   int             // how often
	atOnce  bool            // it is to go back without a delay
	done    bool
	refused bool
}

// begins notes that a handler begins, and returns what it is to do.
func (p *process) begins(body string) (*entry, act) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.byBody[body]
	h := p.holdings[e]
	switch now := time.Now(); {
	case p.dead:
		return nil, act{}
	case e == nil || e.kind != valid:
		p.broke(e, onlyVerifiedIsHandled, "came to a handler")
		return nil, act{}
	case h.running:
		p.broke(e, oneHandler, "has two handlers in worker %d", p.number)
	case h.done || h.refused:
		p.broke(e, notHandledAgain, "is handled again by worker %d", p.number)
	case now.After(h.until):
		p.broke(e, lostIsCancelled, "comes to the handler of worker %d, whose lease ended at %v", p.number, h.until.Sub(p.begun))
	case !p.stopAt.IsZero() && now.After(p.stopAt):
		p.broke(e, stopStartsNothing, "comes to the handler of worker %d, which was told to stop", p.number)
	}
	if p.running++; p.running > p.settings.concurrency {
		p.broke(e, withinCapacity, "is one of %d that are handled at once", p.running)
	}
	switch {
	case p.fifo:
		p.overtakes(e)
	case p.byCall:
		p.meets(e)
	}
	a := act{}
	if e.tries < len(e.acts) && !p.peace {
		a = e.acts[e.tries]
	}
	e.tries++
	h.running = true
	p.deaf = p.deaf || a.told == deaf
	p.note(e, "handler of worker %d begins: %v", p.number, a)
	return e, a
}

// overtakes checks the order of a group. Those before e that are not done may
// have become dead letters, so only if they are received once more is it clear
// that e was too early.
func (p *process) overtakes(e *entry) {
	for _, before := range p.entries[:slices.Index(p.entries, e)] {
		if before.group != e.group || before.kind != valid {
			continue
		}
		if h := p.holdings[before]; h != nil && h.running {
			p.broke(e, inOrder, "comes to a handler while that of %s runs", before.name)
		}
		if !before.done && !before.refused {
			before.overtaken = e
		}
	}
}

// meets checks that no other event of the call is being handled.
func (p *process) meets(e *entry) {
	for other, h := range p.holdings {
		if h.running && other != e && other.group == e.group {
			p.broke(e, inOrder, "comes to a handler while that of %s, of the same call, runs", other.name)
		}
	}
}

// ends notes how a handler ends, and what has to be said of it.
func (p *process) ends(e *entry, a act, outcome events.Outcome, how string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return
	}
	p.note(e, "handler of worker %d ends: %s", p.number, how)
	h := p.holdings[e]
	if a.told != deaf && time.Now().After(h.until) {
		p.broke(e, lostIsCancelled, "was still with the handler of worker %d, whose lease ended at %v", p.number, h.until.Sub(p.begun))
	}
	p.running--
	h.running = false
	h.ended = &outcome
	if outcome.Done() {
		h.done, e.done = true, true
	}
}

// observe is told every result.
func (p *process) observe(r consumer.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return
	}
	e := p.byID[r.MessageID]
	h := p.holdings[e]
	p.note(e, "worker %d says %v, %v", p.number, r.Outcome, r.Err)
	at := slices.Index(h.counts, r.ReceiveCount)
	if at < 0 {
		p.broke(e, oneWord, "has a second word of worker %d, or for what was not received", p.number)
		return
	}
	if !h.fits(e, r, p.settings.rejected) {
		p.broke(e, oneWord, "ends in %v, which is not what happened", r.Outcome)
	}
	h.counts = slices.Delete(h.counts, at, at+1)
	h.word, h.ended = r.Outcome, nil
	h.words++
	h.atOnce = errors.Is(r.Err, consumer.ErrStopping)
	if events.IsPermanent(r.Err) {
		e.refused, h.refused, h.freed = true, true, true
	}
	if e.kind != valid {
		h.freed = true
	}
}

// fits reports whether a result says what has happened.
func (h *holding) fits(e *entry, r consumer.Result, rejected consumer.RejectedPolicy) bool {
	switch {
	case e.kind != valid:
		return r.Outcome == e.kind.word() || r.Outcome == events.Duplicate && h.words > 0 && rejected != consumer.Leave
	case h.ended != nil:
		return r.Outcome == *h.ended
	case h.done:
		return r.Outcome == events.Duplicate
	case h.refused:
		return r.Outcome == events.Failed && events.IsPermanent(r.Err)
	default: // no handler was called
		return r.Outcome == events.Failed && errors.Is(r.Err, consumer.ErrLeaseLost)
	}
}

// failed reports whether the newest outcome is a failure, said already or not.
func (h *holding) failed() bool {
	switch {
	case h.running:
		return false
	case h.ended != nil:
		return *h.ended == events.Failed
	default:
		return h.words > 0 && h.word == events.Failed
	}
}

// untried reports whether the message has seen no handler, and may go back for
// another's failure or an outage.
func (h *holding) untried() bool { return !h.running && h.ended == nil && !h.done }

// allEndedHaveWords checks that something was said of every handler that has
// succeeded. A message that failed may be in hand still, to be tried again.
func (p *process) allEndedHaveWords() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.entries {
		if h := p.holdings[e]; h != nil && h.ended != nil && h.ended.Done() && !p.dead {
			p.broke(e, oneWord, "has no word of worker %d, although its handler has succeeded", p.number)
		}
	}
}

// allHaveWords checks that something was said of all that was received.
func (p *process) allHaveWords() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.entries {
		if h := p.holdings[e]; h != nil && h.words == 0 {
			p.broke(e, oneWord, "has no word of worker %d", p.number)
		}
	}
}

// stopped checks what a process that was stopped has left behind.
func (p *process) stopped() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(nil, "worker %d has stopped: %v", p.number, p.err)
	switch {
	case p.err == nil:
	case p.disturbed:
		return
	case !p.deaf:
		p.broke(nil, stopIsClean, "without any trouble, worker %d: %v", p.number, p.err)
	}
	for _, e := range p.entries {
		// What is not valid is left, and a lease is given up a little before it ends.
		if h := p.holdings[e]; h != nil && e.kind == valid && !h.freed && time.Now().Add(time.Second).Before(h.until) {
			p.broke(e, stopIsClean, "is left behind by worker %d, leased until %v", p.number, h.until.Sub(p.begun))
		}
	}
}
