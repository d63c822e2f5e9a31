package events

import (
	"errors"
	"fmt"
	"time"
)

// RetryAfter returns an error that asks for the event to be delivered again after d,
// instead of after the transport's own delay. The transport may shorten d: SQS
// allows at most twelve hours from the receive.
//
// err is the reason. It may be nil; the result never is. Without a reason the event is
// only too early: a transport that pauses when most handlers fail does not count it as a
// failure.
func RetryAfter(d time.Duration, err error) error {
	return &retryError{after: max(d, 0), err: err}
}

// RetryDelay returns the delay if err is or wraps an error of [RetryAfter].
func RetryDelay(err error) (d time.Duration, ok bool) {
	if retry, ok := errors.AsType[*retryError](err); ok {
		return retry.after, true
	}
	return 0, false
}

// Permanent returns an error that no other try can fix. The event is not handled
// again, but it is not lost: the queue's redrive policy moves its message to the
// dead-letter queue. err is the reason. It may be nil; the result never is.
func Permanent(err error) error {
	return &permanentError{err: err}
}

// IsPermanent reports whether err is or wraps an error of [Permanent]. It is false if that
// is joined with another error, since another try may help there.
func IsPermanent(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if _, ok := err.(*permanentError); ok { //nolint:errorlint // unwraps itself
			return true
		}
	}
	return false
}

type retryError struct {
	after time.Duration
	err   error
}

func (e *retryError) Error() string { return withCause(fmt.Sprintf("retry after %s", e.after), e.err) }
func (e *retryError) Unwrap() error { return e.err }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return withCause("permanent", e.err) }
func (e *permanentError) Unwrap() error { return e.err }

func withCause(what string, err error) string {
	if err == nil {
		return what
	}
	return what + ": " + err.Error()
}
