// Package backoff computes how long to wait before another try.
//
// A delay is a function of the number of failures alone, so that it can be
// computed from a count that another process kept, such as the receive count of
// an SQS message. Libraries that keep the count themselves don't fit.
package backoff

import (
	"math/rand/v2"
	"time"
)

// Exponential is a delay that doubles with each failure.
type Exponential struct {
	// Min is the limit of the delay after the first failure.
	Min time.Duration
	// Max is the greatest limit, whatever the number of failures.
	Max time.Duration
}

// Limit returns the delay without jitter after the given number of failures in a row: Min
// after one failure or none, doubled with each further one, and at most Max.
func (e Exponential) Limit(failures int) time.Duration {
	d := min(e.Min, e.Max)
	for ; failures > 1 && 0 < d && d < e.Max; failures-- {
		d += min(d, e.Max-d) // cannot overflow
	}
	return d
}

// FullJitter returns a random delay between 0 and Limit(failures). It spreads callers
// best. So that a loop does not spin, the delay is at least a millisecond, unless the
// limit is less.
func (e Exponential) FullJitter(failures int) time.Duration {
	limit := e.Limit(failures)
	return max(rand.N(limit+1), min(limit, time.Millisecond))
}

// EqualJitter returns a random delay between half of Limit(failures) and all of it, for
// callers that must not retry much sooner.
func (e Exponential) EqualJitter(failures int) time.Duration {
	limit := e.Limit(failures)
	return limit/2 + rand.N(limit-limit/2+1)
}
