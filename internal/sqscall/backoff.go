package sqscall

import (
	"math/rand/v2"
	"time"
)

const (
	// The bounds of waiting between calls that fail. The upper one is small,
	// so that the worker is back within seconds of a trouble's end; at twelve
	// to twenty-four calls a minute nobody is hurt.
	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// Backoff is how long to wait after so many failures in a row, with full
// jitter.
func Backoff(failures int) time.Duration {
	return rand.N(Doubled(minBackoff, failures, maxBackoff)) + time.Millisecond
}

// Doubled is d doubled so many times, but at most limit.
func Doubled(d time.Duration, times int, limit time.Duration) time.Duration {
	for range times {
		if d >= limit {
			break
		}
		d *= 2
	}
	return min(d, limit)
}
