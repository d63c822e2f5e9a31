package route

import (
	"context"
	"errors"
	"slices"
	"time"
	"unique"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// stage is where a part is.
type stage uint8

const (
	idle          stage = iota // neither waits nor runs
	waitsForPlace              // in destination.line
	waitsForUp                 // in destination.waiting
	waitsForTime               // in destination.delayed
	heldByHandler              // in destination.byOther: the handler has asked for it
	placeReserved              // about to be called
	running                    // being called
	gone                       // its delivery has ended
)

// A part is one destination's part in a delivery. It is small, since there may be thousands
// while a destination is down.
type part struct {
	progress    *progress // is told when a place is reserved, or the destination is retired
	destination *destination
	next        *part // of the delivery

	// Guarded by the destination's mutex.
	before, after *part                 // in a queue
	number        uint64                // order of arrival; zero if it has never waited
	failure       uint64                // number of the failure that makes it a suspect; zero if it is none
	lastFailure   unique.Handle[string] // zero if there is none
	index         int32                 // in delayed
	tries         int32
	stage         stage
	ended         bool // the delivery has ended
	probe         bool

	redelivered bool // an earlier delivery of the event may have been tried
	logged      bool // the failure is in the log; only for the dispatch

	// Guarded by the progress's mutex.
	outcome outcome
	setback *setback // nil if there was none
}

// A setback is what is kept of a call that has failed, or had nothing to do. Most events that
// wait have had none.
type setback struct {
	err      error         // nil while the outcome is open
	delay    time.Duration // before the next try after a failure of the event's own
	failures int           // that were the event's own
}

// err returns the error of the last call, and nil while the outcome is open.
func (p *part) err() error {
	if p.setback == nil {
		return nil
	}
	return p.setback.err
}

// failures returns how many failures were the event's own.
func (p *part) failures() int {
	if p.setback == nil {
		return 0
	}
	return p.setback.failures
}

// A call is what was known when a call began.
type call struct {
	first          bool   // attempt of the event
	steady         bool   // the destination was up, and not only just
	retested       bool   // the destination has handled another event since the failure
	failuresBefore uint64 // number of failures before it began
	begun          uint64 // numbers the calls
}

// begin records what is known when a call begins.
func (d *destination) begin(p *part) call {
	c := &d.circuit
	p.stage = running
	p.tries++
	steady := c.state == Up && c.rampFrom.IsZero()
	c.calls++
	if p.probe {
		d.probes.of(p).begun = c.calls
	}
	return call{
		first:          p.tries == 1 && !p.redelivered,
		steady:         steady,
		retested:       steady && p.failure > 0 && p.failure <= c.proven,
		failuresBefore: c.failures,
		begun:          c.calls,
	}
}

// logFailure logs a failure of the event itself while the event is held for other destinations:
// the transport will know of it only when they are done, which can take hours.
func (p *part) logFailure(e *events.Event) {
	if p.logged || p.outcome != failed && (p.outcome != final || p.err() == nil) {
		return
	}
	p.logged = true
	p.destination.log.Warn("event failed, and is held for other destinations",
		zap.String("type", events.Brief(e.Type)), zap.String("id", events.Brief(e.ID)), zap.Error(p.err()))
}

// outcome is what a destination has done with an event in this delivery.
type outcome uint8

const (
	open   outcome = iota // not called yet, or waits
	done                  // handled, or nothing to do
	failed                // may be tried again
	final                 // no other try helps
)

// verdict is what becomes of an event after a call.
type verdict uint8

const (
	verdictDone   verdict = iota
	verdictWaits          // the event waits
	verdictFailed         // the failure is the event's own
	verdictFinal          // the failure is permanent
)

// kind is what a call's result says.
type kind uint8

const (
	handled      kind = iota
	duplicate         // nothing was done
	ignored           // nothing was done
	held              // the handler asks to hold the event
	permanent         // the failure is the event's own, and no other try helps
	stopped           // the program stops, or the message's lease is lost
	notTried          // there was too little time left
	replaced          // a probe took too long
	tooEarly          // the event is to be tried later; not a failure of the destination
	unavailable       // no event can be handled for a time
	asksForDelay      // a failure, with the delay before another try of this event
	failure           // any other failure
)

// result is the result of a call.
type result struct {
	kind  kind
	err   error
	delay time.Duration
	key   string // of the event, for a first attempt that failed
}

// resultOf returns what a call's result says. ctx is the context of the dispatch, and
// callCtx that of the call. late reports whether the call did not have all of the time of
// the dispatch.
func resultOf(ctx, callCtx context.Context, late bool, o events.Outcome, err error) result {
	r := result{err: err}
	switch {
	case o == events.Handled:
		r.kind = handled
	case o == events.Duplicate:
		r.kind, r.err = duplicate, events.ErrDuplicate
	case o == events.Ignored:
		r.kind, r.err = ignored, events.ErrNoHandler
	case events.IsHold(err):
		r.kind = held
	case events.IsPermanent(err):
		r.kind = permanent
	case isStopped(ctx):
		r.kind = stopped
	case isReplaced(callCtx):
		r.kind = replaced
	case late && ctx.Err() != nil:
		r.kind = notTried
	case onlyAsksForTime(err):
		r.kind = tooEarly
		r.delay, _ = events.RetryDelay(err)
	default:
		r.kind = failure
		if delay, ok := events.RetryDelay(err); ok {
			r.kind, r.delay = asksForDelay, delay
		}
		if delay, ok := events.UnavailableFor(err); ok {
			r.kind, r.delay = unavailable, delay
		}
	}
	return r
}

// showsNothing reports whether the result says nothing about the destination.
func (k kind) showsNothing() bool {
	switch k {
	case handled, replaced, unavailable, asksForDelay, failure:
		return false
	default:
		return true
	}
}

// isStopped reports whether the context has ended for another reason than its deadline.
func isStopped(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

// onlyAsksForTime reports whether an error is an [events.RetryAfter] without a cause, or
// joins nothing but such errors.
func onlyAsksForTime(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !onlyAsksForTime(err) })
	}
	if cause := errors.Unwrap(err); cause != nil {
		return onlyAsksForTime(cause)
	}
	if _, ok := events.UnavailableFor(err); ok {
		return false
	}
	_, ok := events.RetryDelay(err)
	return ok
}

// none is the last failure of an event that has not failed.
var none unique.Handle[string]

// reason returns why the event waits, for the text of an error, and whether that is only until
// others are done.
func (p *part) reason() (text string, busy bool) {
	d := p.destination
	d.mu.Lock()
	defer d.mu.Unlock()
	why := d.circuit.state.String()
	switch {
	case d.retired:
		why, busy = "replaced", true
	case d.circuit.state != Up:
	case p.stage == heldByHandler:
		why = "held"
	case p.lastFailure == none:
		why, busy = "busy", true
	default:
		why = "failed"
	}
	if p.lastFailure != none {
		why += ": " + p.lastFailure.Value()
	}
	return d.name + " (" + why + ")", busy
}
