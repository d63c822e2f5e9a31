// Package console is the page on the admin address that shows what the program is doing:
// live calls, the last events with their outcomes, rates, and the depth of the queue.
//
// It is fed by Observe, which costs a few counters an event. Once a second, and only while
// somebody watches, it makes one frame of data for all watchers. Names, numbers and emails
// are masked here and not in the page, so that they never reach a browser.
package console

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events/calls"
)

const (
	// interval is the time between two frames.
	interval = time.Second
)

// A Console records what happens, and shows it while Run runs.
type Console struct {
	calls  calls.Tracker
	recent recent
	frames frameMaker
	depths latestDepths
	pub    *broadcaster
}

// New returns a console that has observed nothing.
func New(cfg Config) *Console {
	c := &Console{calls: calls.Tracker{MaxCalls: maxCalls}, pub: newBroadcaster()}
	c.frames = frameMaker{
		cfg: cfg, mask: mask{off: cfg.Unmasked}, started: time.Now(),
		calls: &c.calls, recent: &c.recent, rows: newRows(),
	}
	return c
}

// Observe records a message. It is for the Observe of both transports' configurations, and
// does not wait for watchers.
func (c *Console) Observe(r consumer.Result) {
	if r.Event != nil {
		// Without OnCallFinished the only errors are of events that are not about calls.
		_ = c.calls.HandleEvent(context.Background(), r.Event)
	}
	c.recent.add(r)
}

// Run makes frames until ctx ends, and then ends all streams. It must be called once.
func (c *Console) Run(ctx context.Context) {
	defer c.depths.wait()
	defer close(c.pub.closed)
	for {
		select {
		case <-c.pub.arrived:
			c.publish(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// publish makes frames until nobody watches.
func (c *Console) publish(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for c.publishFrame(ctx) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// publishFrame makes the next frame. It returns false if nobody watches.
func (c *Console) publishFrame(ctx context.Context) bool {
	return c.pub.publish(func(number uint64) (change, whole func() ([]byte, error)) {
		if ask := c.frames.cfg.Depths; ask != nil {
			c.depths.update(ctx, ask)
		}
		f := c.frames.next(number, c.depths.get())
		change = sync.OnceValues(func() ([]byte, error) { return json.Marshal(f) })
		whole = sync.OnceValues(func() ([]byte, error) { return json.Marshal(c.frames.whole(f)) })
		return change, whole
	})
}
