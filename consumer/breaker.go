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

	// The bounds of the pause before a try. It doubles with each that fails. The
	// upper one is small, so that the worker is back within five seconds of an
	// outage's end: the probe is in hand, and a try of it costs no receive.
	minProbePause = time.Second
	maxProbePause = 4 * time.Second
	// probeTime is how long one message is the probe. It bounds what one that
	// always fails can do, and what an outage costs of receives.
	probeTime = 5 * time.Minute
)

// breaker keeps an outage behind the handlers from marching the queue into the
// dead-letter queue. When most calls of the handler fail it opens: receiving
// stops but for a single message, the probe, which stays in hand and is tried
// again and again. When a try does not fail the breaker closes, all at once: who
// fails more often than not opens it again soon.
type breaker struct {
	log          *zap.Logger
	handlerLimit time.Duration // after which a try is not waited for any more

	mu      sync.Mutex
	calls   []call // the newest last
	failed  int    // of calls
	open    bool
	opening int           // how often it has opened
	since   time.Time     // when it opened
	pause   time.Duration // before the next try
	probeAt time.Time     // when the next probe may be received
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

// nominate makes the message the probe if there is to be one. The poller does
// so before it hands the message over, or it would come for another one.
func (b *breaker) nominate(m *message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.open || now.Before(b.probeAt) || !m.needsHandler() {
		return
	}
	m.probe, m.probeUntil = b.opening, now.Add(probeTime)
	b.probeAt = now.Add(b.handlerLimit) // unless the try ends sooner
}

// admits reports whether the message may go on: while the breaker is open, only
// the probe and what needs no handler.
func (b *breaker) admits(m *message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.open || m.probe == b.opening || !m.needsHandler()
}

// record takes note of how the handler fared with a message. It returns after
// what pause the message, as the probe, is to be tried again.
func (b *breaker) record(m *message, r Result) (pause time.Duration, again bool) {
	failed, counts := tells(r)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.open && m.probe == b.opening:
		return b.probed(m, failed, counts)
	case counts && !b.open:
		b.add(m, failed)
		if b.failed >= breakerFailures && 2*b.failed > len(b.calls) {
			b.trip()
		}
	}
	return 0, false
}

// tells reports whether the result says that the handler can't do its work, and
// whether it says anything about that. Keys that can't be read count, since
// they fail every message. A permanent failure is about the message alone, a
// retry without a cause is no failure, and a duplicate came from someone's
// memory.
func tells(r Result) (failed, counts bool) {
	switch {
	case r.Outcome == events.Handled:
		return false, true
	case r.Outcome != events.Failed, errors.Is(r.Err, ErrLeaseLost), errors.Is(r.Err, ErrStopping), onlyAsksForTime(r.Err):
		return false, false
	default:
		return !events.IsPermanent(r.Err), true
	}
}

// onlyAsksForTime reports whether an error is a retry that has no cause, or a chain's
// errors are no others.
func onlyAsksForTime(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !onlyAsksForTime(err) })
	}
	if cause := errors.Unwrap(err); cause != nil {
		return onlyAsksForTime(cause)
	}
	_, ok := events.RetryDelay(err)
	return ok
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
	b.opening++
	b.calls, b.failed = b.calls[:0], 0
	b.pause = minProbePause
	b.probeAt = time.Now().Add(b.jittered())
}

// probed closes the breaker if the probe succeeded. One that says nothing is
// followed by another at once.
func (b *breaker) probed(m *message, failed, counts bool) (pause time.Duration, again bool) {
	defer signal(b.changed)
	now := time.Now()
	switch {
	case !counts:
		b.probeAt = now
		return 0, false
	case !failed:
		b.open = false
		b.log.Info("messages no longer fail, receiving as before", zap.Duration("after", now.Sub(b.since)))
		return 0, false
	}
	b.pause = min(2*b.pause, maxProbePause)
	pause = b.jittered()
	again = now.Add(pause).Before(m.probeUntil)
	b.probeAt = now.Add(pause)
	if again {
		b.probeAt = b.probeAt.Add(b.handlerLimit)
	}
	return pause, again
}

// jittered is the pause, so that workers which depend on the same thing don't
// try it together.
func (b *breaker) jittered() time.Duration { return b.pause/2 + rand.N(b.pause/2) }
