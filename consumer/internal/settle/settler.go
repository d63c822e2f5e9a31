// Package settle settles received messages: it deletes them, returns them to the
// queue, sends them to a quarantine queue or leaves them. Until then it extends
// their leases.
//
// A [Settler] admits each message that is received and has a [Lease] of it until
// SQS has confirmed that it is settled. [Settler.Run] decides which call is made
// next. Up to maxCalls calls are under way at once, but never two about one message.
package settle

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// maxLinger is how long a settled message may wait for others to share a call
	// with: a call costs the same for one message as for ten.
	maxLinger = time.Second
	// quietTime is the same while no handler runs, so that no more messages will
	// follow soon.
	quietTime = 100 * time.Millisecond
)

// Config is what a Settler needs. Every field but QuarantineURL is required.
type Config struct {
	Client        Client
	QueueURL      string
	QuarantineURL string
	// VisibilityTimeout is the length of a lease, in whole seconds.
	VisibilityTimeout time.Duration
	Logger            *zap.Logger
}

// A Settler has every message from its receive until it is settled. Its methods
// are safe for concurrent use.
type Settler struct {
	queue      queue
	visibility time.Duration
	margin     time.Duration // how much earlier than at SQS a lease is taken to end
	linger     time.Duration
	log        *zap.Logger

	mu         sync.Mutex
	leases     map[string]*Lease    // by message id, until settled
	handling   int                  // of them, those whose handler is not done
	lastActive time.Time            // when a message was last admitted or its handler was done
	waiting    [operations][]*Lease // for a call, in the order they came
	checkAt    time.Time            // when the leases have to be checked next
	unsettled  recent               // messages that could not be settled for good
	deleted    recent               // messages that were deleted; SQS may deliver one again all the same
	underWay   int                  // calls that are not answered
	health     [operations]health
	hurried    bool // no message waits for others to share a call with
	closed     bool // Run returns when nothing is left to do
	counts     counts

	wake chan struct{} // has an element once Run has to decide again
}

// counts are totals since the start.
type counts struct {
	deleted, returned, quarantined, left, lost int
	extended, deletesFailed                    int
}

// New returns a Settler that has no messages.
func New(cfg Config) *Settler {
	s := &Settler{
		queue:      queue{cfg.Client, cfg.QueueURL, cfg.QuarantineURL},
		visibility: cfg.VisibilityTimeout,
		margin:     min(leaseMargin, cfg.VisibilityTimeout/8),
		linger:     min(maxLinger, cfg.VisibilityTimeout/8),
		log:        cfg.Logger,
		leases:     make(map[string]*Lease),
		unsettled:  newRecent(),
		deleted:    newRecent(),
		wake:       make(chan struct{}, 1),
	}
	for op := range s.health {
		s.health[op] = newHealth(cfg.Logger, operation(op))
	}
	return s
}

// Hurry makes messages wait no longer for others to share a call with.
func (s *Settler) Hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurried = true
	s.wakeRun()
}

// Close lets Run return once everything is settled.
func (s *Settler) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.wakeRun()
}

// wakeRun makes Run decide again what to do.
func (s *Settler) wakeRun() {
	select {
	case s.wake <- struct{}{}:
	default: // Run has not read the last one yet
	}
}

// checkBy makes Run check the leases at a time at the latest.
func (s *Settler) checkBy(at time.Time) { s.checkAt = earlier(s.checkAt, at) }

// granted records that SQS granted a lease at a time.
func (s *Settler) granted(l *Lease, at time.Time, timeout time.Duration) {
	l.ends = at.Add(timeout - s.margin)
	l.extendAt = at.Add(timeout / 2)
}

// enqueue has the message wait for the call that a state needs.
func (s *Settler) enqueue(l *Lease, to state, now time.Time) {
	l.state = to
	l.tries = 0
	l.notBefore, l.dueAt = now, now.Add(s.linger)
	if to == deleting && l.group != "" {
		l.dueAt = now // until then SQS delivers no other message of the group
	}
	op := to.operation()
	s.waiting[op] = append(s.waiting[op], l)
}

// forget ends a lease of which nothing more is needed.
func (s *Settler) forget(l *Lease) {
	l.state = settled
	l.copy = nil
	delete(s.leases, l.id)
	l.token.Settled()
}
