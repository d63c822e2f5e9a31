package consumer

import (
	"errors"
	"slices"

	"wildix-worker/consumer/internal/breaker"
	"wildix-worker/events"
)

// evidenceOf returns what a result shows about the services that the handler depends on.
// Keys that can't be read are a failure, since they fail every message. A permanent
// failure is a success: it concerns the message alone. An error that only asks for a
// later try, a lost lease, a stop and a duplicate show nothing.
func evidenceOf(r Result) breaker.Evidence {
	switch {
	case r.Outcome == events.Handled:
		return breaker.Success
	case r.Outcome != events.Failed, errors.Is(r.Err, ErrLeaseLost), errors.Is(r.Err, ErrStopping), onlyAsksForTime(r.Err):
		return breaker.None
	case events.IsPermanent(r.Err):
		return breaker.Success
	default:
		return breaker.Failure
	}
}

// onlyAsksForTime reports whether an error is an [events.RetryAfter] without a
// cause, or joins nothing but such errors.
func onlyAsksForTime(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !onlyAsksForTime(err) })
	}
	if cause := errors.Unwrap(err); cause != nil {
		return onlyAsksForTime(cause)
	}
	_, ok := events.RetryDelay(err)
	return ok
}
