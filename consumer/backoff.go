package consumer

import (
	"math/rand/v2"
	"time"

	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
)

const (
	// The first give-back delay, and the longest one.
	minRetryDelay = 5 * time.Second
	maxRetryDelay = 15 * time.Minute
)

// retryDelay is how long a failed message stays away: doubled with each
// receive and jittered by a half, so that messages that failed together don't
// come back together. A handler's own wish goes first.
func retryDelay(receiveCount int, err error) time.Duration {
	if d, ok := events.RetryDelay(err); ok {
		return d
	}
	d := sqscall.Doubled(minRetryDelay, receiveCount-1, maxRetryDelay)
	return d/2 + rand.N(d/2+1)
}
