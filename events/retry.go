package events

import (
	"errors"
	"fmt"
	"time"
)

// RetryAfter is an error that asks for the event to be delivered again after
// d, instead of after a delay of the transport's choice. The transport may
// bound d: SQS takes at most what is left of twelve hours since the message
// was received. err is why, and may be nil; the result never is. A transport
// that pauses when most handlers fail does not count it if err is nil: there is
// nothing wrong, it is only too early.
func RetryAfter(d time.Duration, err error) error {
	return &retryError{after: max(d, 0), err: err}
}

// RetryDelay returns the delay of the [RetryAfter] that err wraps, if any.
func RetryDelay(err error) (d time.Duration, ok bool) {
	var retry *retryError
	if errors.As(err, &retry) {
		return retry.after, true
	}
	return 0, false
}

// Permanent is an error that another try can't mend. The event is not handled
// again, nor is it thrown away: on SQS the queue's redrive policy moves its
// message to the dead-letter queue. err is why, and may be nil; the result
// never is.
func Permanent(err error) error {
	return &permanentError{err: err}
}

// IsPermanent reports whether err is or wraps a [Permanent]. One that is joined
// with another error does not count, since the other may be worth a try.
func IsPermanent(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if _, ok := err.(*permanentError); ok {
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
