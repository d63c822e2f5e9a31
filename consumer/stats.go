package consumer

import (
	"time"

	"wildix-worker/events"
)

// Stats are what a consumer has done since it was made, and what it is doing.
type Stats struct {
	// Outcomes counts messages. Its index is an events.Outcome.
	Outcomes [events.Outcomes]int64

	// Deleted, Returned, Quarantined and Left count how messages were settled.
	Deleted, Returned, Quarantined, Left int
	// LeasesExtended and LeasesLost count leases.
	LeasesExtended, LeasesLost int
	// DeletesFailed counts failed deletes of messages. Each is tried again.
	DeletesFailed int

	// InHand is how many messages are received and not settled.
	InHand int
	// Polls is how many receives are under way.
	Polls int
	// Paused reports that most messages fail, and that receiving waits until one
	// succeeds.
	Paused bool

	// Requests counts calls of SQS by operation: receive, extend, return,
	// quarantine, delete.
	Requests map[string]Requests
	// EmptyReceives is how many receives returned no message.
	EmptyReceives int

	// Answered is when SQS last answered a receive; zero before the first time.
	Answered time.Time
	// FailingSince is when receives started to fail; zero if the latest one did
	// not.
	FailingSince time.Time
	// OldestPoll is how long the oldest receive has been under way. It is at most
	// 25 s, unless the client is stuck.
	OldestPoll time.Duration
}

// Requests counts calls of one operation.
type Requests struct{ Succeeded, Failed int }

// Stats returns the figures of this moment. It may be called at any time.
func (c *Consumer) Stats() Stats {
	settled, polls := c.settler.Stats(), c.pollers.Stats()
	s := Stats{
		Deleted: settled.Deleted, Returned: settled.Returned, Quarantined: settled.Quarantined, Left: settled.Left,
		LeasesExtended: settled.Extended, LeasesLost: settled.Lost, DeletesFailed: settled.DeletesFailed,
		InHand: settled.Unsettled, Polls: polls.UnderWay, Paused: c.breaker.Open(),
		Requests:      map[string]Requests{"receive": {polls.Succeeded, polls.Failed}},
		EmptyReceives: polls.Empty, Answered: polls.Answered, FailingSince: polls.FailingSince, OldestPoll: polls.Oldest,
	}
	for o := range s.Outcomes {
		s.Outcomes[o] = c.counts[o].Load()
	}
	for operation, requests := range settled.Requests {
		s.Requests[operation] = Requests(requests)
	}
	return s
}
