package once

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/internal/outage"
)

const (
	// calmTime is how long after the latest failure the store counts as reachable again.
	calmTime = 5 * time.Second
	// After breakAfter failures in a row, events that can be handled without the
	// store try it only once in tryInterval, so that not every event waits for a
	// timeout.
	breakAfter  = 5
	tryInterval = time.Second
)

// A breaker logs whether the shared store can be reached. While it can't, events that can
// be handled without it do not wait for it.
type breaker struct {
	outage *outage.Log

	mu       sync.Mutex
	failures int // in a row
	tryAt    time.Time
}

func newBreaker(cfg Config) *breaker {
	failing := "shared store can't be reached, events wait"
	if cfg.OnUnreachable == AtLeastOnce {
		failing = "shared store can't be reached, events are handled at least once"
	}
	return &breaker{outage: outage.New(outage.Config{
		Logger:  cfg.Logger.With(zap.String("handler", cfg.Name)),
		Failing: failing,
		Level:   zap.WarnLevel,
		Working: "shared store is reached again",
		Calm:    calmTime,
	})}
}

// allows reports whether an event that can be handled without the store should
// call it.
func (b *breaker) allows() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	switch {
	case b.failures < breakAfter:
		return true
	case now.Before(b.tryAt):
		return false
	default:
		b.tryAt = now.Add(max(beginTimeout, settleTimeout)) // unless it fails sooner
		return true
	}
}

func (b *breaker) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = b.outage.Failed(err)
	b.tryAt = time.Now().Add(tryInterval)
}

func (b *breaker) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = 0
	b.outage.Succeeded()
}
