package console

import (
	"context"
	"time"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/consumer"
	"wildix-worker/events/calls"
	"wildix-worker/events/route"
)

// Config is the configuration of a Console. All fields are optional.
type Config struct {
	// Version is the program's version.
	Version string
	// Unmasked shows names, numbers and emails unmasked.
	Unmasked bool
	// Ready returns an error if the program can't take events at the moment.
	Ready func() error
	// Stats returns the statistics of a queue's consumer.
	Stats func() consumer.Stats
	// Destinations returns the state of the destinations.
	Destinations func() []route.Stats
	// Depths returns how many messages the queues hold. It may block. It is called once a
	// second while the console is open, and never concurrently.
	Depths func(context.Context) []Depth
	// DeadLetters returns the dead-letter queue, whose messages the page then lists and
	// redrives when it is asked to.
	DeadLetters func(context.Context) (*deadletter.Queue, error)
	// Missed returns the latest inbound calls since a time that were missed, the latest first,
	// as many as the limit. It is called about once a minute while the console is open.
	Missed func(ctx context.Context, since time.Time, limit int) ([]calls.Record, error)
	// Logger gets a line about each request that acts. Nil means none.
	Logger *zap.Logger
}

// A Depth is the number of messages that a queue holds in one state.
type Depth struct {
	Queue    string  `json:"queue"` // main or dead_letter
	State    string  `json:"state"` // visible, in_flight or delayed
	Messages float64 `json:"messages"`
}
