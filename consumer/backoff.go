package consumer

import (
	"time"

	"wildix-worker/events"
	"wildix-worker/internal/backoff"
)

// retryBackoff is the delay of a failed message that is returned to the queue.
var retryBackoff = backoff.Exponential{Min: 5 * time.Second, Max: 15 * time.Minute}

// retryDelay is how long a failed message stays away: twice as long with each
// receive, with jitter so that messages that failed together do not come back
// together. A delay that the handler asks for takes precedence.
func retryDelay(receiveCount int, err error) time.Duration {
	if d, ok := events.RetryDelay(err); ok {
		return d
	}
	return retryBackoff.EqualJitter(receiveCount)
}
