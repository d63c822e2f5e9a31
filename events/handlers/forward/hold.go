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

const (
	// maxRetryAfter is the longest that an endpoint is left alone because it
	// asked for it.
	maxRetryAfter = 5 * time.Minute
)

// delay grows with each receive, as a transport's does.
var delay = backoff.Exponential{Min: 5 * time.Second, Max: 15 * time.Minute}

// errHeld: the endpoint has asked for time.
var errHeld = errors.New("the endpoint has asked for time")

// hold is until when the endpoint is to be left alone. Events in hand would
// otherwise go on hammering it, each for its own answer.
type hold struct {
	until atomic.Int64 // Unix nanoseconds
}

func (h *hold) left() time.Duration {
	until := h.until.Load()
	if until == 0 {
		return 0
	}
	return min(time.Until(time.Unix(0, until)), maxRetryAfter) // should the clock have been set back
}

// extend never shortens what was asked for before.
func (h *hold) extend(d time.Duration) {
	until := time.Now().Add(d).UnixNano()
	for before := h.until.Load(); before < until; before = h.until.Load() {
		if h.until.CompareAndSwap(before, until) {
			return
		}
	}
}

// retryAfter reads a Retry-After, which is seconds or a date. One that can't be
// read is as none.
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

// comeBackAfter is when an event is to be tried again that must wait for asked. It
// grows with each receive, since an endpoint that asks every event for a second
// would otherwise have them in the dead-letter queue within ten. Jitter keeps
// those that wait together from coming back together.
func comeBackAfter(asked time.Duration, receiveCount int) time.Duration {
	return max(asked+rand.N(asked/2+1), delay.EqualJitter(receiveCount))
}
