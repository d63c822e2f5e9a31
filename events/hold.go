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
	return &holdError{notify: notify, err: err}
}

// IsHold reports whether err is or wraps an error of [Hold]. It is false if that is joined
// with another error.
func IsHold(err error) bool { return holdOf(err) != nil }

// OnResume has resume called once, on any goroutine and maybe at once, when the handler may
// be called again with the event. resume must not block. A transport calls OnResume at most
// once for each error of [Hold]. It returns false, and resume is never called, if err is
// no such error.
func OnResume(err error, resume func()) bool {
	hold := holdOf(err)
	if hold == nil {
		return false
	}
	hold.register(resume)
	return true
}

func holdOf(err error) *holdError {
	for ; err != nil; err = errors.Unwrap(err) {
		if hold, ok := err.(*holdError); ok { //nolint:errorlint // unwraps itself
			return hold
		}
	}
	return nil
}

// brokenDelay is how long an event is held if notify can't be called.
const brokenDelay = 5 * time.Second

type holdError struct {
	notify func(resume func())
	err    error
}

// register calls notify. A hold whose notify is nil or panics ends after brokenDelay, so
// that the event is not held for hours.
func (e *holdError) register(resume func()) {
	var once sync.Once
	resumeOnce := func() { once.Do(resume) }
	defer func() {
		if recover() != nil {
			time.AfterFunc(brokenDelay, resumeOnce)
		}
	}()
	e.notify(resumeOnce)
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
		d.deadline = &deadline
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
