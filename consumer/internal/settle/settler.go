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

	"wildix-worker/consumer/internal/inflight"
	"wildix-worker/internal/newest"
)

const (
	// maxLinger is how long a settled message may wait for others to share a call: a
	// call costs the same for one message as for ten.
	maxLinger = time.Second
	// quietTime is how long it waits after the last message while no handler runs, since no
	// other one is about to be settled.
	quietTime = 150 * time.Millisecond
	// quietLinger replaces maxLinger while no handler runs. Of messages that come at random,
	// 20 a second, eight share a call, and each is deleted within half a second.
	quietLinger = 450 * time.Millisecond
)

// Config configures a Settler. Every field but QuarantineURL is required.
type Config struct {
	Client        Client
	QueueURL      string
	QuarantineURL string
	// VisibilityTimeout is the length of a lease, in whole seconds.
	VisibilityTimeout time.Duration
	Budget            *inflight.Budget
	Logger            *zap.Logger
}

// A Settler tracks every message from its receive until it is settled. Its methods are
// safe for concurrent use.
type Settler struct {
	queue      queue
	visibility time.Duration
	margin     time.Duration // how much earlier than at SQS a lease ends here
	linger     time.Duration
	budget     *inflight.Budget
	log        *zap.Logger
	created    time.Time

	mu         sync.Mutex
	leases     map[string]*Lease    // by message id, until settled
	handling   int                  // those leases whose handler is not done and that are not held
	overdue    int                  // handlers that have not returned long after their deadlines
	lastActive moment               // when a message was last admitted or its handler was done
	waiting    [operations][]*Lease // for a call, in order of arrival
	checkAt    moment               // when to check the leases next
	unsettled  recent               // messages whose settling was not confirmed, or that were refused
	deleted    *newest.Set          // ids of deleted messages; SQS may still deliver one again
	underWay   int                  // running calls
	health     [operations]health
	expired    []expiry // see Hold
	hurried    bool     // messages don't wait for others to share a call
	closed     bool     // Run returns when nothing is left to do
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
		budget:     cfg.Budget,
		log:        cfg.Logger,
		created:    time.Now(),
		leases:     make(map[string]*Lease),
		unsettled:  newRecent(),
		deleted:    newest.New(recentMessages),
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

// Stats are totals since the start, and the current number of unsettled messages.
type Stats struct {
	Deleted, Returned, Quarantined, Left int // messages
	Extended, Lost                       int // leases
	DeletesFailed                        int // failed deletes of messages; each is tried again
	Unsettled                            int // messages received and not settled
	Overdue                              int // handlers that don't return after their deadline
	// Requests counts the batch calls by operation: extend, return, quarantine, delete.
	Requests map[string]Requests
}

// Stats returns the current figures.
func (s *Settler) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{
		Deleted: s.counts.deleted, Returned: s.counts.returned, Quarantined: s.counts.quarantined, Left: s.counts.left,
		Extended: s.counts.extended, Lost: s.counts.lost, DeletesFailed: s.counts.deletesFailed,
		Unsettled: len(s.leases), Overdue: s.overdue, Requests: make(map[string]Requests, operations),
	}
	for op := range s.health {
		stats.Requests[operation(op).String()] = s.health[op].requests
	}
	return stats
}

// checkLeases records leases that have ended as lost, and handlers that are overdue. It
// returns a batch of up to ten leases to extend, including those that are due soon, or nil.
func (s *Settler) checkLeases(now moment) *batch {
	b := &batch{operation: opExtend}
	s.checkAt = now + min(s.visibility/4, maxCheck)
	openAt := s.health[opExtend].openAt(now)
	for _, l := range s.leases {
		s.checkOverdue(l, now)
		switch {
		case l.lost:
		case l.inCall:
			s.awaitAnswer(l, now)
		case now >= l.ends:
			s.lose(l)
		case l.held && now >= l.latest()-heldMargin:
			s.expire(l)
		case l.state == returning || l.state == quarantining:
			s.checkBy(l.ends)
		case l.extendAt > now+min(s.step(l, now)/8, maxCheck):
			s.checkBy(min(l.extendAt, l.ends))
		case now < openAt:
			s.checkBy(min(openAt, l.ends))
		default:
			s.extend(b, l, now)
		}
		if !b.fits(l) {
			s.checkAt = now // the others, at once
			break
		}
	}
	if len(b.leases) == 0 {
		return nil
	}
	return b
}

// step returns the length of the message's next lease.
func (s *Settler) step(l *Lease, now moment) time.Duration {
	if l.held && now-l.receivedAt >= heldBriefly {
		return max(s.visibility, heldLease)
	}
	return s.visibility
}

// checkOverdue logs once that a handler has not returned long after its deadline.
func (s *Settler) checkOverdue(l *Lease, now moment) {
	a := l.doing()
	if a.cancel == nil || a.overdue {
		return
	}
	overdueAt := a.deadline + overdueAfter
	if now < overdueAt {
		s.checkBy(overdueAt)
		return
	}
	a.overdue = true
	s.overdue++
	s.log.Error("handler does not return although its context has ended; its slot is lost until it does",
		zap.String("messageId", l.id()), zap.Time("deadline", s.created.Add(a.deadline)))
}

// extend adds a lease to the batch, to be extended as far as SQS allows. A lease that
// can't be extended further is left to end.
func (s *Settler) extend(b *batch, l *Lease, now moment) {
	timeout := min(s.step(l, now), l.latest()-now).Truncate(time.Second)
	if now+timeout-s.margin <= l.ends {
		l.extendAt = l.ends
		s.checkBy(l.ends)
		return
	}
	l.extended = l.extended || timeout > s.visibility
	b.addExtension(l, timeout)
	s.awaitAnswer(l, now)
}

// awaitAnswer leaves the lease unchanged until its call is answered: the answer shows
// whether it was extended or lost. If the lease ends first, its handler is cancelled,
// since no handler may run without a lease.
func (s *Settler) awaitAnswer(l *Lease, now moment) {
	if now < l.ends {
		s.checkBy(l.ends)
	} else if cancel := l.doing().cancel; cancel != nil {
		cancel()
	}
}
