package webhook

import (
	"sync"

	"go.uber.org/zap"
)

// A limiter admits a limited number of requests at once, and none after it is
// closed.
type limiter struct {
	limit   int
	refusal *episode

	requests sync.WaitGroup // admitted and not released

	mu       sync.Mutex
	closed   bool
	inFlight int
	refused  int64 // because of the limit
}

func newLimiter(limit int, log *zap.Logger) *limiter {
	return &limiter{limit: limit, refusal: newEpisode(log,
		"too many requests at once, answering some with 503", "accepting all requests again", "refused")}
}

// acquire reports whether the request is admitted. If so, release must be called
// when it has been answered.
func (l *limiter) acquire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return false
	case l.inFlight == l.limit:
		l.refused++
		l.refusal.happens(zap.Int("inFlight", l.limit))
		return false
	}
	l.inFlight++
	l.requests.Add(1)
	return true
}

// release ends a request that acquire admitted.
func (l *limiter) release() {
	defer l.requests.Done()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
}

// close refuses all further requests.
func (l *limiter) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

func (l *limiter) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// wait returns when all admitted requests have been released.
func (l *limiter) wait() { l.requests.Wait() }

// counts returns how many requests are in flight, and how many were refused
// because of the limit.
func (l *limiter) counts() (inFlight int, refused int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inFlight, l.refused
}
