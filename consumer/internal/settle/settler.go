// Package settle settles received messages: it deletes them, returns them to the
// queue, sends them to a quarantine queue or leaves them. Until then it extends
// their leases.
//
// A [Settler] admits each received message and holds its [Lease] until SQS has
// confirmed that it is settled. [Settler.Run] makes the calls: up to maxCalls at once,
// but never two for one message.
package settle

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// maxLinger is how long a settled message may wait for others to share a call: a
	// call costs the same for one message as for ten.
	maxLinger = time.Second
	// quietTime replaces maxLinger while no handler runs, since no other message is
	// about to be settled.
	quietTime = 100 * time.Millisecond
)

// Config configures a Settler. Every field but QuarantineURL is required.
type Config struct {
	Client        Client
	QueueURL      string
	QuarantineURL string
	// VisibilityTimeout is the length of a lease, in whole seconds.
	VisibilityTimeout time.Duration
	Logger            *zap.Logger
}

// A Settler tracks every message from its receive until it is settled. Its methods are
// safe for concurrent use.
type Settler struct {
	queue      queue
	visibility time.Duration
	margin     time.Duration // how much earlier than at SQS a lease ends here
	linger     time.Duration
	log        *zap.Logger

	mu         sync.Mutex
	leases     map[string]*Lease    // by message id, until settled
	handling   int                  // those leases whose handler is not done
	lastActive time.Time            // when a message was last admitted or its handler was done
	waiting    [operations][]*Lease // for a call, in order of arrival
	checkAt    time.Time            // when to check the leases next
	unsettled  recent               // messages whose settling was not confirmed, or that were refused
	deleted    recent               // deleted messages; SQS may still deliver one again
	underWay   int                  // running calls
	health     [operations]health
	hurried    bool // messages don't wait for others to share a call
	closed     bool // Run returns when nothing is left to do
	counts     counts

	wake chan struct{} // has an element when Run must decide again
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

// Hurry sends every settled message at once, without waiting for others to share a call.
func (s *Settler) Hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurried = true
	s.wakeRun()
}

// Close makes Run return when every message is settled.
func (s *Settler) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.wakeRun()
}

// wakeRun makes Run decide again.
func (s *Settler) wakeRun() {
	select {
	case s.wake <- struct{}{}:
	default: // Run has not read the last one yet
	}
}

// checkBy makes Run check the leases no later than at.
func (s *Settler) checkBy(at time.Time) { s.checkAt = earlier(s.checkAt, at) }

// granted records that SQS granted or extended a lease at the given time.
func (s *Settler) granted(l *Lease, at time.Time, timeout time.Duration) {
	l.ends = at.Add(timeout - s.margin)
	l.extendAt = at.Add(timeout / 2)
}

// enqueue makes the message wait for the call of its new state.
func (s *Settler) enqueue(l *Lease, to state, now time.Time) {
	l.state = to
	l.tries = 0
	l.notBefore, l.dueAt = now, now.Add(s.linger)
	if to == deleting && l.group != "" {
		l.dueAt = now // SQS delivers no other message of the group before the delete
	}
	op := to.operation()
	s.waiting[op] = append(s.waiting[op], l)
}

// forget ends a lease that needs nothing more.
func (s *Settler) forget(l *Lease) {
	l.state = settled
	l.copy = nil
	delete(s.leases, l.id)
	l.token.Settled()
}
