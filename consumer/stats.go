package consumer

import (
	"time"

	"wildix-worker/events"
)

// Stats are a consumer's totals since it was created, and its current state.
type Stats struct {
	// Outcomes counts messages. Its index is an events.Outcome.
	Outcomes [events.Outcomes]int64

	// Deleted, Returned, Quarantined and Left count how messages were settled.
	Deleted, Returned, Quarantined, Left int
	// LeasesExtended and LeasesLost count leases.
	LeasesExtended, LeasesLost int
	// DeletesFailed counts messages' deletes that failed. Each is tried again.
	DeletesFailed int

	// InHand is the number of messages received and not settled.
	InHand int
	// Held is the number of those that are held, and HeldBytes the size of their bodies.
	Held, HeldBytes int
	// MaxHeld and MaxHeldBytes are the limits of Held and HeldBytes.
	MaxHeld, MaxHeldBytes int
	// Overdue is the number of handlers that have not returned a minute after their
	// context ended.
	Overdue int
	// Polls is the number of running receives.
	Polls int

	// Requests counts calls of SQS by operation: receive, extend, return,
	// quarantine, delete.
	Requests map[string]Requests
	// EmptyReceives counts receives that returned no message.
	EmptyReceives int

	// Answered is when SQS last answered a receive; zero before the first time.
	Answered time.Time
	// FailingSince is when receives started to fail; zero if the latest one succeeded.
	FailingSince time.Time
	// OldestPoll is how long the oldest receive has been running. It is at most 25 s,
	// unless the client is stuck.
	OldestPoll time.Duration
}

// Requests counts calls of one operation.
type Requests struct{ Succeeded, Failed int }

// Stats returns the current figures. It may be called at any time.
func (c *Consumer) Stats() Stats {
	settled, polls := c.settler.Stats(), c.pollers.Stats()
	s := Stats{
		Deleted: settled.Deleted, Returned: settled.Returned, Quarantined: settled.Quarantined, Left: settled.Left,
		LeasesExtended: settled.Extended, LeasesLost: settled.Lost, DeletesFailed: settled.DeletesFailed,
		InHand: settled.Unsettled, Overdue: settled.Overdue, Polls: polls.UnderWay,
		Requests:      map[string]Requests{"receive": {polls.Succeeded, polls.Failed}},
		EmptyReceives: polls.Empty, Answered: polls.Answered, FailingSince: polls.FailingSince, OldestPoll: polls.Oldest,
	}
	s.Held, s.HeldBytes = c.budget.Held()
	s.MaxHeld, s.MaxHeldBytes = c.cfg.MaxHeld, c.cfg.MaxHeldBytes
	for o := range s.Outcomes {
		s.Outcomes[o] = c.counts[o].Load()
	}
	for operation, requests := range settled.Requests {
		s.Requests[operation] = Requests(requests)
	}
	return s
}
