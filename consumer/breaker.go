package consumer

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

const (
	// The breaker looks at the newest call about each of the last
	// breakerMessages messages, none older than breakerWindow. It opens when
	// more than half of them failed, and at least breakerFailures: one message
	// that always fails is no outage.
	breakerMessages = 50
	breakerWindow   = 2 * time.Minute
	breakerFailures = 5

	// The bounds of the pause before a probe. It doubles with each that fails.
	minProbePause = time.Second
	maxProbePause = 30 * time.Second
)

// breaker keeps an outage behind the handlers from marching the queue into the
// dead-letter queue. When most calls of the handler fail it opens: receiving
// stops but for one message now and then, the probe, and closes again when a
// probe does not fail.
type breaker struct {
	log          *zap.Logger
	handlerLimit time.Duration // after which a probe is not waited for any more

	mu      sync.Mutex
	calls   []call // the newest last
	failed  int    // of calls
	open    bool
	since   time.Time     // when it opened
	pause   time.Duration // before the next probe
	probeAt time.Time     // when the next probe may start
	changed chan struct{} // tells the poller in await to look again
}

// A call is how the handler fared with a message.
type call struct {
	id     string
	at     time.Time
	failed bool
}

func newBreaker(log *zap.Logger, handlerTimeout time.Duration) *breaker {
	return &breaker{log: log, handlerLimit: handlerTimeout + unwindTime, changed: make(chan struct{}, 1)}
}

// isOpen reports whether receiving is to stop but for probes.
func (b *breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// await waits until the breaker is closed or a probe is due, or ctx ends. Only
// one goroutine at a time may wait.
func (b *breaker) await(ctx context.Context) {
	for {
		wait := b.untilProbe()
		if wait <= 0 {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-b.changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

func (b *breaker) untilProbe() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return 0
	}
	return time.Until(b.probeAt)
}

// admits reports whether the message may go on. While the breaker is open, one
// that is for the handler only may as a probe.
func (b *breaker) admits(m *message) bool {
	if m.opened.Err != nil && m.opened.Outcome != events.Failed {
		return true // rejected or malformed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return true
	}
	now := time.Now()
	if now.Before(b.probeAt) {
		return false
	}
	m.probe = true
	b.probeAt = now.Add(b.handlerLimit) // unless it ends sooner
	return true
}

// record takes note of how the handler fared with a message.
func (b *breaker) record(m *message, r Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	failed, counts := verdictOn(r)
	switch {
	case m.probe:
		b.endProbe(failed, counts)
	case counts && !b.open:
		b.add(m, failed)
		if b.failed >= breakerFailures && 2*b.failed > len(b.calls) {
			b.trip()
		}
	}
}

// verdictOn tells whether the outcome says that the handler can't do its work,
// and whether it says anything about that. Keys that can't be read count: they
// fail every message. A permanent failure is a verdict on the message alone.
func verdictOn(r Result) (failed, counts bool) {
	switch r.Outcome {
	case events.Handled, events.Duplicate:
		return false, true
	case events.Failed:
		if errors.Is(r.Err, ErrLeaseLost) || errors.Is(r.Err, ErrStopping) {
			return false, false
		}
		return !events.IsPermanent(r.Err), true
	default:
		return false, false
	}
}

// add notes a call, and forgets what is no longer looked at: what is too old,
// too much, or an earlier call about the same message.
func (b *breaker) add(m *message, failed bool) {
	now := time.Now()
	for len(b.calls) == breakerMessages || len(b.calls) > 0 && now.Sub(b.calls[0].at) > breakerWindow {
		b.forget(0)
	}
	if m.receiveCount > 1 {
		if i := slices.IndexFunc(b.calls, func(c call) bool { return c.id == m.id }); i >= 0 {
			b.forget(i)
		}
	}
	b.calls = append(b.calls, call{m.id, now, failed})
	if failed {
		b.failed++
	}
}

func (b *breaker) forget(i int) {
	if b.calls[i].failed {
		b.failed--
	}
	b.calls = slices.Delete(b.calls, i, i+1)
}

// trip opens the breaker.
func (b *breaker) trip() {
	b.log.Warn("most messages fail, receiving only one now and then until one succeeds",
		zap.Int("failed", b.failed), zap.Int("of", len(b.calls)))
	b.open, b.since = true, time.Now()
	b.calls, b.failed = b.calls[:0], 0
	b.pause = minProbePause
	b.probeLater()
}

// endProbe closes the breaker if the probe succeeded. A probe that says
// nothing is followed by another at once.
func (b *breaker) endProbe(failed, counts bool) {
	switch {
	case !b.open: // by another one, which was not waited for
	case !counts:
		b.probeAt = time.Now()
	case failed:
		b.pause = min(2*b.pause, maxProbePause)
		b.probeLater()
	default:
		b.open = false
		b.log.Info("messages no longer fail, receiving as before", zap.Duration("after", time.Since(b.since)))
	}
	signal(b.changed)
}

// probeLater sets the time of the next probe, jittered so that workers which
// depend on the same thing don't probe it together.
func (b *breaker) probeLater() {
	b.probeAt = time.Now().Add(b.pause/2 + rand.N(b.pause/2))
}
