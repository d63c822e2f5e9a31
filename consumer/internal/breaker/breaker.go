// Package breaker pauses receiving while most messages fail, so that an outage of what
// the handler depends on does not move all messages to the dead-letter queue.
//
// When most calls of the handler fail, the [Breaker] opens. Then a single message is
// received, the probe, which is tried again and again without being returned to the
// queue. The breaker closes as soon as a try succeeds.
package breaker

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// minPause and maxPause limit the pause before a try, which doubles with each
	// that fails. maxPause is short so that receiving resumes within five seconds of an
	// outage's end; a try costs no receive, since the probe is not returned.
	minPause = time.Second
	maxPause = 4 * time.Second
	// probeTime is how long one message is the probe. It limits what a message that
	// always fails can do, and how many receives an outage costs.
	probeTime = 5 * time.Minute
)

// A Breaker decides from the handler's results whether messages are received.
// Its methods are safe for concurrent use.
type Breaker struct {
	log      *zap.Logger
	tryLimit time.Duration

	mu      sync.Mutex
	window  window
	open    bool
	opening int           // number of times it has opened
	since   time.Time     // when it opened
	pause   time.Duration // before the next try, without jitter
	probeAt time.Time     // when the next probe may be received
	changed chan struct{} // has an element when Await must check again
}

// A Probe marks the message that is tried while the breaker is open. The zero
// Probe marks none.
type Probe struct {
	opening int       // the breaker's opening that it belongs to
	until   time.Time // when another message becomes the probe
}

// Evidence is what a call shows about the services that the handler depends on.
type Evidence uint8

const (
	None    Evidence = iota // the call shows nothing
	Success                 // it works
	Failure                 // it may be down
)

// New returns a closed breaker. It does not wait for a try that takes longer than
// tryLimit.
func New(log *zap.Logger, tryLimit time.Duration) *Breaker {
	return &Breaker{log: log, tryLimit: tryLimit, changed: make(chan struct{}, 1)}
}

// Open reports whether only a probe may be received.
func (b *Breaker) Open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// Await waits until the breaker is closed, a probe may be received or ctx ends.
// Only one goroutine at a time may wait.
func (b *Breaker) Await(ctx context.Context) {
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

func (b *Breaker) untilProbe() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return 0
	}
	return time.Until(b.probeAt)
}

// Nominate returns the mark of a new probe, or the zero Probe if none is due. It must be
// called for a received message before Await is called again; otherwise a second message
// would be received.
func (b *Breaker) Nominate() Probe {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.open || now.Before(b.probeAt) {
		return Probe{}
	}
	b.probeAt = now.Add(b.tryLimit) // unless the try ends sooner
	return Probe{b.opening, now.Add(probeTime)}
}

// Admits reports whether the handler may be called: always while the breaker is
// closed, and otherwise for its probe only.
func (b *Breaker) Admits(p Probe) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.open || p.opening == b.opening
}

// Record takes the evidence of a call of the handler. If again is true, the message
// remains the probe, and the handler must be called again after the pause.
func (b *Breaker) Record(messageID string, p Probe, e Evidence) (pause time.Duration, again bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.open && p.opening == b.opening:
		return b.recordProbe(p, e)
	case !b.open && e != None:
		b.window.add(messageID, e == Failure)
		if b.window.mostFailed() {
			b.trip()
		}
	}
	return 0, false
}

// trip opens the breaker.
func (b *Breaker) trip() {
	b.log.Warn("most messages fail, receiving only one now and then until one succeeds",
		zap.Int("failed", b.window.failed), zap.Int("of", len(b.window.calls)))
	b.open, b.since = true, time.Now()
	b.opening++
	b.window.clear()
	b.pause = minPause
	b.probeAt = time.Now().Add(b.jittered())
}

// recordProbe closes the breaker if the probe succeeded. If its call showed nothing,
// another message becomes the probe at once.
func (b *Breaker) recordProbe(p Probe, e Evidence) (pause time.Duration, again bool) {
	defer b.wakeAwait()
	now := time.Now()
	switch e {
	case None:
		b.probeAt = now
		return 0, false
	case Success:
		b.open = false
		b.log.Info("messages no longer fail, receiving as before", zap.Duration("after", now.Sub(b.since)))
		return 0, false
	}
	b.pause = min(2*b.pause, maxPause)
	pause = b.jittered()
	again = now.Add(pause).Before(p.until)
	b.probeAt = now.Add(pause)
	if again {
		b.probeAt = b.probeAt.Add(b.tryLimit)
	}
	return pause, again
}

func (b *Breaker) wakeAwait() {
	select {
	case b.changed <- struct{}{}:
	default: // Await has not read the last one yet
	}
}

// jittered returns the pause with jitter, so that workers that depend on the same
// thing don't try it together.
func (b *Breaker) jittered() time.Duration { return b.pause/2 + rand.N(b.pause/2) }
