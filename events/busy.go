package events

import "errors"

// Busy returns an error for the reason of a [Hold] that ends soon, since nothing is down: the
// handler waits for other events to be done, or for some seconds. A transport keeps such an
// event also while it holds as many as it may. err says more. It may be nil; the result never
// is.
func Busy(err error) error { return &busyError{err: err} }

// IsBusy reports whether err is or wraps an error of [Busy]. It is false if that is joined
// with another error.
func IsBusy(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if _, ok := err.(*busyError); ok { //nolint:errorlint // unwraps itself
			return true
		}
	}
	return false
}

type busyError struct{ err error }

func (e *busyError) Error() string {
	if e.err == nil {
		return "busy"
	}
	return e.err.Error()
}
func (e *busyError) Unwrap() error { return e.err }
