package consumer

import (
	"sync"
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
	c.receiver.polling.addTo(&s)
	s.Paused = c.breaker.isOpen()
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

// polling counts the receives of all pollers.
type polling struct {
	mu                       sync.Mutex
	begun                    map[int]time.Time // those under way
	number                   int
	succeeded, failed, empty int
	answered, failing        time.Time
}

// begin takes note of a receive, and returns its number.
func (p *polling) begin() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun == nil {
		p.begun = make(map[int]time.Time)
	}
	p.number++
	p.begun[p.number] = time.Now()
	return p.number
}

// end takes note of what a receive brought.
func (p *polling) end(number, received int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.begun, number)
	if err != nil {
		p.failed++
		if p.failing.IsZero() {
			p.failing = time.Now()
		}
		return
	}
	p.succeeded++
	p.answered, p.failing = time.Now(), time.Time{}
	if received == 0 {
		p.empty++
	}
}

func (p *polling) addTo(s *Stats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Polls, s.EmptyReceives, s.Answered, s.FailingSince = len(p.begun), p.empty, p.answered, p.failing
	s.Requests["receive"] = Requests{p.succeeded, p.failed}
	for _, at := range p.begun {
		s.OldestPoll = max(s.OldestPoll, time.Since(at))
	}
}
