package console

import (
	"context"

	"wildix-worker/consumer"
)

// Config says what there is to show. All fields are optional.
type Config struct {
	// Version is the program's version.
	Version string
	// Unmasked shows names, numbers and emails as they are.
	Unmasked bool
	// Ready returns why no events are taken at the moment, or nil.
	Ready func() error
	// Stats returns the statistics of a queue's consumer.
	Stats func() consumer.Stats
	// Depths returns how many messages the queues hold. It may block. It is called once a
	// second while somebody watches, never twice at once.
	Depths func(context.Context) []Depth
}

// A Depth is how many messages of a state a queue holds.
type Depth struct {
	Queue    string  `json:"queue"` // main or dead_letter
	State    string  `json:"state"` // visible, in_flight or delayed
	Messages float64 `json:"messages"`
}
