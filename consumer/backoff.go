package consumer

import (
	"math/rand/v2"
	"time"

	"wildix-worker/events"
)

const (
	// The first give-back delay, and the longest one.
	minRetryDelay = 5 * time.Second
	maxRetryDelay = 15 * time.Minute

	// The bounds of waiting between calls that fail. The upper one is small,
	// so that the worker is back within seconds of a trouble's end; at twelve
	// to twenty-four calls a minute nobody is hurt.
	minCallBackoff = 100 * time.Millisecond
	maxCallBackoff = 5 * time.Second
)

// retryDelay is how long a failed message stays away: doubled with each
// receive and jittered by a half, so that messages that failed together don't
// come back together. A handler's own wish goes first.
func retryDelay(receiveCount int, err error) time.Duration {
	if d, ok := events.RetryDelay(err); ok {
		return d
	}
	d := doubled(minRetryDelay, receiveCount-1, maxRetryDelay)
	return d/2 + rand.N(d/2+1)
}

// callBackoff is how long to wait after so many failures in a row, with full
// jitter.
func callBackoff(failures int) time.Duration {
	return rand.N(doubled(minCallBackoff, failures, maxCallBackoff)) + time.Millisecond
}

// doubled is d doubled so many times, but at most limit.
func doubled(d time.Duration, times int, limit time.Duration) time.Duration {
	for range times {
		if d >= limit {
			break
		}
		d *= 2
	}
	return min(d, limit)
}
