package events

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// RetryAfter returns an error that asks for the event to be delivered again after d,
// instead of after the transport's own delay. The transport may shorten d: SQS
// allows at most twelve hours from the receive.
//
// err is the reason. It may be nil; the result never is. Without a reason the event is
// only too early, and the result says nothing about what the handler depends on.
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

// Unavailable returns an error that says that no event can be handled for d, such as that
// of an HTTP endpoint that answers 503 with a Retry-After. It is also an error of
// [RetryAfter]. err is the reason. It may be nil; the result never is.
func Unavailable(d time.Duration, err error) error {
	return &unavailableError{retryError{after: max(d, 0), err: err}}
}

// UnavailableFor returns how long no event can be handled, if err is or wraps an error of
// [Unavailable].
func UnavailableFor(err error) (d time.Duration, ok bool) {
	if e, ok := errors.AsType[*unavailableError](err); ok {
		return e.retry.after, true
	}
	return 0, false
}

// Permanent returns an error that no other try can fix. The event is not handled
// again, but it is not lost: the queue's redrive policy moves its message to the
// dead-letter queue. err is the reason. It may be nil; the result never is.
func Permanent(err error) error {
	return &permanentError{err: err}
}

// IsPermanent reports whether err is or wraps an error of [Permanent]. If that is joined
// with others, all of them must be permanent, since another try may help there.
func IsPermanent(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		switch err := err.(type) { //nolint:errorlint // unwraps itself
		case *permanentError:
			return true
		case interface{ Unwrap() []error }:
			return allPermanent(err.Unwrap())
		}
	}
	return false
}

func allPermanent(errs []error) bool {
	return len(errs) > 0 && !slices.ContainsFunc(errs, func(err error) bool { return !IsPermanent(err) })
}

type retryError struct {
	after time.Duration
	err   error
}

func (e *retryError) Error() string { return withCause(fmt.Sprintf("retry after %s", e.after), e.err) }
func (e *retryError) Unwrap() error { return e.err }

type unavailableError struct{ retry retryError }

func (e *unavailableError) Error() string {
	return withCause(fmt.Sprintf("unavailable for %s", e.retry.after), e.retry.err)
}
func (e *unavailableError) Unwrap() error { return &e.retry }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return withCause("permanent", e.err) }
func (e *permanentError) Unwrap() error { return e.err }

func withCause(what string, err error) string {
	if err == nil {
		return what
	}
	return what + ": " + err.Error()
}
