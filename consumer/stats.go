package consumer

import (
	"time"

	"wildix-worker/events"
)

// Stats are what a consumer has done since it was made, and what it is doing.
type Stats struct {
	// Outcomes counts messages; an events.Outcome is its index.
	Outcomes [events.Outcomes]int64

	// Deleted, Returned, Quarantined and Left count what became of messages at
	// SQS. Returned are those that were given back.
	Deleted, Returned, Quarantined, Left int
	// LeasesExtended and LeasesLost count leases.
	LeasesExtended, LeasesLost int
	// DeletesFailed counts messages whose delete did not come through and was, or
	// will be, tried again.
	DeletesFailed int

	// InHand is how many messages are received and not settled.
	InHand int
	// Polls is how many receives are under way.
	Polls int
	// Paused: most messages fail, and receiving waits for one to succeed.
	Paused bool

	// Requests counts calls of SQS by what they do: receive, extend, give back,
	// quarantine, delete.
	Requests map[string]Requests
	// EmptyReceives are those that brought no message.
	EmptyReceives int

	// Answered is when SQS last answered a receive; zero before the first time.
	Answered time.Time
	// FailingSince is when the first of those receives failed since which none has
	// succeeded; zero while all is well.
	FailingSince time.Time
	// OldestPoll is for how long the oldest receive has been under way. It takes
	// at most 25 s, unless its client is stuck.
	OldestPoll time.Duration
}

// Requests counts calls of one kind.
type Requests struct{ Succeeded, Failed int }

// Stats may be called at any time, also while Run runs.
func (c *Consumer) Stats() Stats {
	s := c.leases.stats()
	for o := range s.Outcomes {
		s.Outcomes[o] = c.counts[o].Load()
	}
	polls := c.pollers.Stats()
	s.Polls, s.EmptyReceives, s.OldestPoll = polls.UnderWay, polls.Empty, polls.Oldest
	s.Answered, s.FailingSince = polls.Answered, polls.FailingSince
	s.Requests["receive"] = Requests{polls.Succeeded, polls.Failed}
	s.Paused = c.breaker.Open()
	return s
}

// stats returns what the leases know.
func (l *leases) stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{
		Deleted: l.tally.deleted, Returned: l.tally.returned, Quarantined: l.tally.quarantined, Left: l.tally.left,
		LeasesExtended: l.tally.extended, LeasesLost: l.tally.lost, DeletesFailed: l.tally.undeleted,
		InHand: len(l.held), Requests: make(map[string]Requests, operations+1),
	}
	for op := range l.health {
		s.Requests[operation(op).String()] = l.health[op].requests
	}
	return s
}
