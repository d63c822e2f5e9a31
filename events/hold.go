package events

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Hold returns an error that asks the transport to hold the event, because something that
// the handler depends on is down or busy: the event stays with the process, occupies none
// of its places for running handlers, and is passed to the handler again when notify's
// argument is called. A transport that can't hold events delivers it again later, as after
// any other error.
//
// notify registers the function that the transport wants called. The transport calls it at
// most once, after the handler has returned; it may call the function at once. err is the
// reason. It may be nil; the result never is.
func Hold(notify func(resume func()), err error) error {
	return &holdError{notifier: notifyFunc(notify), err: err}
}

// HoldUntil is [Hold] for a handler that keeps a state of each event that it holds, of which
// there may be thousands: the state says itself when the event may go on, and needs no function
// for that.
func HoldUntil(state HeldState, err error) error { return &holdError{notifier: state, err: err} }

// A HeldState is a state of a delivery ([Delivery.State]) that knows what its event waits for.
type HeldState interface {
	// Owner returns the owner of the state.
	Owner() any
	// Reason returns why the event is held.
	Reason() error
	// DeliveryEnded is called once, when the delivery ends. In contrast to a function for
	// [Delivery.OnEnd] it takes no memory.
	DeliveryEnded()
	notifier
}

// A notifier says when a held event may go on.
type notifier interface {
	// NotifyResume has r resumed when the handler may be called again with the event: at
	// most once, and maybe before NotifyResume returns.
	NotifyResume(r Resumer)
}

// A Resumer is a transport's message whose event is held.
type Resumer interface {
	// Resume has the handler called again with the event. It does not block.
	Resume()
}

// IsHold reports whether err is or wraps an error of [Hold]. It is false if that is joined
// with another error.
func IsHold(err error) bool { return holdOf(err) != nil }

// OnResume has resume called once, on any goroutine and maybe at once, when the handler may
// be called again with the event. resume must not block. A transport calls OnResume at most
// once for each error of [Hold]. It returns false, and resume is never called, if err is
// no such error.
func OnResume(err error, resume func()) bool {
	return ResumeOn(err, &resumeOnce{resume: resume})
}

// ResumeOn is [OnResume] for a transport that keeps something of each message that it holds,
// and needs no function besides. What happens if r is resumed again is up to r.
func ResumeOn(err error, r Resumer) (held bool) {
	hold := holdOf(err)
	if hold == nil {
		return false
	}
	held = true
	defer resumeAfterPanic(r)
	hold.notifier.NotifyResume(r)
	return held
}

// resumeAfterPanic has an event whose notifier is nil or panics go on after brokenDelay, so
// that it is not held for hours.
func resumeAfterPanic(r Resumer) {
	if recover() != nil {
		time.AfterFunc(brokenDelay, r.Resume)
	}
}

// A resumeOnce is a function that is called by the first Resume.
type resumeOnce struct {
	once   sync.Once
	resume func()
}

func (r *resumeOnce) Resume() { r.once.Do(r.resume) }

// A notifyFunc is the argument of Hold.
type notifyFunc func(resume func())

func (notify notifyFunc) NotifyResume(r Resumer) {
	once := &resumeOnce{resume: r.Resume}
	defer resumeAfterPanic(once)
	notify(once.Resume)
}

func holdOf(err error) *holdError {
	for ; err != nil; err = errors.Unwrap(err) {
		if hold, ok := err.(*holdError); ok { //nolint:errorlint // unwraps itself
			return hold
		}
	}
	return nil
}

// brokenDelay is how long an event is held if its notifier can't be called.
const brokenDelay = 5 * time.Second

type holdError struct {
	notifier notifier
	err      error
}

func (e *holdError) Error() string { return withCause("held", e.err) }
func (e *holdError) Unwrap() error { return e.err }

// DispatchHeld is [Dispatch] for a transport that can't hold events: it waits while the
// handler asks for the event to be held, and calls it again, until ctx ends. Then the
// error is that of [Hold]. The deadline of ctx is that of the delivery.
func DispatchHeld(ctx context.Context, h Handler, e *Event) (Outcome, error) {
	var d Delivery
	defer d.End()
	if deadline, ok := ctx.Deadline(); ok {
		d.ownRest().deadline = &deadline
	}
	ctx = WithDelivery(ctx, &d)
	for {
		outcome, err := Dispatch(ctx, h, e)
		resumed := make(chan struct{})
		if !OnResume(err, func() { close(resumed) }) {
			return outcome, err
		}
		select {
		case <-resumed:
		case <-ctx.Done():
			return outcome, err
		}
	}
}
