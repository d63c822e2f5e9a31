package forward

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"wildix-worker/internal/backoff"
)

// maxRetryAfter limits the Retry-After that is honoured.
const maxRetryAfter = 5 * time.Minute

// eventDelay is the delay of an event by its receive count, as the transport's.
var eventDelay = backoff.Exponential{Min: 5 * time.Second, Max: 15 * time.Minute}

// errCooldown means that the endpoint has sent a Retry-After that is not over.
var errCooldown = errors.New("the endpoint has asked to wait")

// A cooldown is the time until which nothing is sent to the endpoint. It applies to all
// events, so that not each of them has to be told to wait.
type cooldown struct {
	until atomic.Int64 // Unix nanoseconds
}

func (c *cooldown) left() time.Duration {
	until := c.until.Load()
	if until == 0 {
		return 0
	}
	return min(time.Until(time.Unix(0, until)), maxRetryAfter) // the clock may have been set back
}

// extend makes the cooldown last for d at least.
func (c *cooldown) extend(d time.Duration) {
	until := time.Now().Add(d).UnixNano()
	for before := c.until.Load(); before < until; before = c.until.Load() {
		if c.until.CompareAndSwap(before, until) {
			return
		}
	}
}

// retryAfter returns the delay of a Retry-After header, which has seconds or a date, or 0
// if it is invalid.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// retryDelay returns the delay of an event, which is at least asked. It grows with the
// receive count: otherwise an endpoint that asks every event to wait for a second would
// send them all to the dead-letter queue within ten seconds. It has jitter, so that events
// that wait together are not delivered again together.
func retryDelay(asked time.Duration, receiveCount int) time.Duration {
	return max(asked+rand.N(asked/2+1), eventDelay.EqualJitter(receiveCount))
}
