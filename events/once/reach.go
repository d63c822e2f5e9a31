package once

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// calmTime is how long no call must fail for the memory to count as
	// reached again: one that refuses every third call would fill the log.
	calmTime = 5 * time.Second
	// From downAfter failures in a row on, those who can do without the memory
	// try it only once in tryPause, or each event would wait for nothing.
	downAfter = 5
	tryPause  = time.Second
)

// reach knows whether the shared memory can be reached, and logs when that
// changes.
type reach struct {
	log  *zap.Logger
	then string // what becomes of events meanwhile

	mu       sync.Mutex
	failures int       // in a row
	since    time.Time // when it began to fail; zero while all is well
	last     time.Time // when it last failed
	tryAt    time.Time
}

func newReach(cfg Config) *reach {
	r := &reach{log: cfg.Logger.With(zap.String("handler", cfg.Name)), then: "events wait"}
	if cfg.OnUnreachable == AtLeastOnce {
		r.then = "events are handled at least once"
	}
	return r
}

// worthATry reports whether to call, for those who can do without.
func (r *reach) worthATry() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	switch {
	case r.failures < downAfter:
		return true
	case now.Before(r.tryAt):
		return false
	default:
		r.tryAt = now.Add(max(askTimeout, tellTimeout)) // unless it fails sooner
		return true
	}
}

func (r *reach) failed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures++
	r.last = time.Now()
	r.tryAt = r.last.Add(tryPause)
	if r.since.IsZero() {
		r.since = r.last
		r.log.Warn("memory of what was done can't be reached, "+r.then, zap.Error(err))
	}
}

func (r *reach) succeeded() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = 0
	if r.since.IsZero() || time.Since(r.last) < calmTime {
		return
	}
	r.log.Info("memory of what was done is reached again", zap.Duration("after", r.last.Sub(r.since)))
	r.since = time.Time{}
}
