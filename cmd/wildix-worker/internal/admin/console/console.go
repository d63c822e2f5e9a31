// Package console is the page on the admin address that shows what the program is
// doing: the calls that go on, the last events and what became of them, rates, and
// the depth of the queue.
//
// It is fed by Observe and costs a few counters an event. What is shown is made once
// a second, once for all who watch, and only while somebody does. Names, numbers and
// emails are masked here and not in the page: what is not to be shown never reaches a
// browser.
package console

import (
	"context"
	"sync"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/events/calls"
)

const (
	// interval is the time between two frames.
	interval = time.Second
	// maxWatchers bounds what those who watch can cost.
	maxWatchers = 16
	// maxCalls is how many calls are known to go on; the newest maxRows are shown.
	maxCalls = 2000
	maxRows  = 1000
)

// Config says what there is to show. All of it is optional.
type Config struct {
	// Version is the program's.
	Version string
	// Unmasked shows names, numbers and emails as they are.
	Unmasked bool
	// Ready reports why no events are taken at the moment, if so.
	Ready func() error
	// Stats are what the consumer of a queue does.
	Stats func() consumer.Stats
	// Depths asks how many messages the queues hold. It may take its time, and is
	// asked once a second while somebody watches, never twice at once.
	Depths func(context.Context) []Depth
}

// A Depth is how many messages of a state a queue holds.
type Depth struct {
	Queue    string  `json:"queue"` // main or dead_letter
	State    string  `json:"state"` // visible, in_flight or delayed
	Messages float64 `json:"messages"`
}

// A Console takes note of what happens, and shows it while Run runs.
type Console struct {
	cfg     Config
	started time.Time
	calls   calls.Tracker

	mu      sync.Mutex // of what Observe notes
	totals  [events.Outcomes]int64
	done    ring // the last messages that were handled, ignored or duplicates
	trouble ring // the last others: those that went well must not push them out
	noted   uint64
	history history

	pub     sync.Mutex // of what is published
	stage   stage
	asking  sync.WaitGroup
	arrived chan struct{} // somebody watches
	closed  chan struct{} // Run has returned
}

// New returns a console that has seen nothing.
func New(cfg Config) *Console {
	return &Console{
		cfg:     cfg,
		started: time.Now(),
		calls:   calls.Tracker{MaxCalls: maxCalls},
		stage:   newStage(),
		arrived: make(chan struct{}, 1),
		closed:  make(chan struct{}),
	}
}

// Observe takes note of a message. It is made for the Observe of both transports'
// configurations, and waits for nobody who watches.
func (c *Console) Observe(r consumer.Result) {
	if r.Event != nil {
		// Without OnCallFinished it can't fail but for events that are not about calls.
		_ = c.calls.HandleEvent(context.Background(), r.Event)
	}
	n := newNote(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.totals[r.Outcome]++
	c.history.add(n.at, r.Outcome, r.Took)
	c.noted++
	n.number = c.noted
	if r.Outcome.Done() {
		c.done.add(n)
		return
	}
	c.trouble.add(n)
}

// Run publishes until ctx ends, and then lets go of all who watch. It is to be called
// once.
func (c *Console) Run(ctx context.Context) {
	defer c.asking.Wait()
	defer close(c.closed)
	for {
		select {
		case <-c.arrived:
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
	for c.makeFrame(ctx) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
