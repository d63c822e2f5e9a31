// Package console is the page on the admin address that shows what the program is doing:
// live calls, the last events with their outcomes, rates, and the depth of the queue.
//
// Observe counts each message and keeps the bodies of a few, which costs next to nothing. Once
// a second, while a page is open, the console decodes what it has kept, puts calls together, and
// makes one frame of data for all pages. A page that is opened late shows what one that was open
// all the time does. Names, numbers and emails are masked here and not in the page, so that they
// never reach a browser.
package console

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/consumer"
)

// interval is the time between two frames.
const interval = time.Second

// A Console records what the program does, and shows it while Run runs.
type Console struct {
	calls  *liveCalls
	recent recent
	frames frameMaker
	depths latest[[]Depth]
	missed latest[*missedList]
	pub    *broadcaster

	deadLetters *deadLetters // nil without a queue that may have them
}

// New returns a console. Its pages get no data until Run is called.
func New(cfg Config) *Console {
	c := &Console{calls: newLiveCalls(), pub: newBroadcaster()}
	c.frames = frameMaker{
		cfg: cfg, mask: mask{off: cfg.Unmasked}, started: time.Now(),
		calls: c.calls, recent: &c.recent, rows: newRows(),
	}
	c.frames.missed = c.missed.get
	if cfg.DeadLetters != nil {
		c.deadLetters = &deadLetters{find: cfg.DeadLetters, log: cmp.Or(cfg.Logger, zap.NewNop()), mask: c.frames.mask, closed: c.pub.closed}
		c.frames.redrive = c.deadLetters.shown
	}
	return c
}

// Observe records the result of a message. It does not wait for pages.
func (c *Console) Observe(r consumer.Result) {
	if r.Event != nil {
		c.calls.add(r.Event)
	}
	c.recent.add(&r)
}

// Run makes frames until ctx ends, and then ends all streams. It must be called only once.
func (c *Console) Run(ctx context.Context) {
	defer c.depths.wait()
	defer c.missed.wait()
	if c.deadLetters != nil {
		defer c.deadLetters.wait()
	}
	defer close(c.pub.closed)
	for {
		select {
		case <-c.pub.added:
			c.publish(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// publish makes frames until there are no watchers.
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

// publishFrame makes the next frame. It returns false if there are no watchers.
func (c *Console) publishFrame(ctx context.Context) bool {
	return c.pub.publish(func(number uint64) (change, whole func() ([]byte, error)) {
		if fetch := c.frames.cfg.Depths; fetch != nil {
			c.depths.update(ctx, 0, fetch)
		}
		if read := c.frames.cfg.Missed; read != nil {
			c.missed.update(ctx, missedInterval, func(ctx context.Context) *missedList { return c.frames.mask.readMissed(ctx, read) })
		}
		f := c.frames.next(number, c.depths.get()) //nolint:contextcheck // the tracker calls nothing
		change = sync.OnceValues(func() ([]byte, error) { return json.Marshal(f) })
		whole = sync.OnceValues(func() ([]byte, error) { return json.Marshal(c.frames.whole(f)) })
		return change, whole
	})
}
