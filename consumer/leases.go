package consumer

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/internal/sqscall"
)

const (
	// maxLinger is how long a finished message may wait for others to be
	// deleted with: a delete costs the same for one message as for ten.
	maxLinger = time.Second
	// quietTime is how long a worker that has nothing left to do lingers.
	quietTime = 100 * time.Millisecond
	// leaseMargin is how much sooner than SQS a lease is taken to end: an
	// answer has been on its way for a while when it is read.
	leaseMargin = time.Second
	// maxQuarantining is how many messages may wait for the quarantine queue.
	// When it is that slow others are left, or forged messages could stop all
	// receiving.
	maxQuarantining = 10 * sqscall.MaxBatch
	// settleLines is how many batch calls run at once.
	settleLines = 16
)

// leases holds every message from its receive until it is settled. It extends
// leases while handlers run and deletes wait, deletes what is done, gives back
// what failed, and puts into quarantine what is to go there. One goroutine, run, decides which call is next; the calls
// of up to settleLines run at once, but never two about one message.
type leases struct {
	caller     caller
	visibility time.Duration
	linger     time.Duration
	log        *zap.Logger

	mu       sync.Mutex
	held     map[string]*message    // by message id, until settled
	running  int                    // of them, those whose handler has not finished
	active   time.Time              // when a message last came or finished
	waiting  [operations][]*message // for a call, in the order they came
	renewAt  time.Time              // when a lease has to be looked at next
	memory   *memory                // of messages that could not be settled for good
	deleted  *memory                // of those that were; SQS may give one out all the same
	calls    int                    // not answered yet
	health   [operations]health
	hurrying bool // nothing lingers any more
	closing  bool // run ends when nothing is left
	tally    tally

	wake chan struct{} // tells run to look again
}

// tally counts what became of messages at SQS.
type tally struct {
	deleted, returned, quarantined, left, lost int
	extended                                   int // leases
	undeleted                                  int // deletes that did not come through
}

// A welcome is what a received message turns out to be.
type welcome uint8

const (
	isFresh    welcome = iota // to be opened and handled
	inHand                    // received before and not settled yet: its newer handle is adopted
	goingBack                 // the same, but its handler failed
	wasDone                   // settled by an earlier delivery: to be deleted
	wasRefused                // refused for good by an earlier delivery: to be left
)

func newLeases(c caller, visibility time.Duration, log *zap.Logger) *leases {
	l := &leases{
		caller:     c,
		visibility: visibility,
		linger:     min(maxLinger, visibility/8),
		log:        log,
		held:       make(map[string]*message),
		memory:     newMemory(),
		deleted:    newMemory(),
		wake:       make(chan struct{}, 1),
	}
	for op := range l.health {
		l.health[op].trouble = sqscall.NewOutage(log, operation(op).String())
	}
	return l
}

// hold takes charge of a message that was just received.
func (l *leases) hold(m *message) welcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active = m.receivedAt
	if known, ok := l.held[m.id]; ok {
		l.adopt(known, m)
		if known.state == returning {
			return goingBack
		}
		return inHand
	}
	l.granted(m, m.receivedAt)
	l.held[m.id] = m
	l.running++
	switch {
	case l.memory.of(m.id) == refused:
		return wasRefused
	case l.memory.of(m.id) == done, l.deleted.of(m.id) == done:
		return wasDone
	default:
		return isFresh
	}
}

// adopt gives a message that is in hand the receipt handle of its newest
// delivery. The older one may still answer success and delete nothing.
func (l *leases) adopt(known, newer *message) {
	known.handle = newer.handle
	known.receivedAt = newer.receivedAt
	known.lost = false
	l.granted(known, newer.receivedAt)
	signal(l.wake)
}

// granted takes note that SQS granted a whole visibility timeout at the time.
func (l *leases) granted(m *message, at time.Time) {
	m.ends = at.Add(l.visibility - l.margin())
	m.renewAt = at.Add(l.visibility / 2)
}

func (l *leases) margin() time.Duration { return min(leaseMargin, l.visibility/8) }

// begin tells that the message's handler starts and can be cancelled. It
// returns the time after which the lease can't be extended, and false when
// there is no reason to start any more.
func (l *leases) begin(m *message, cancel context.CancelCauseFunc) (latest time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.lost || m.state != running || !time.Now().Before(m.ends) {
		return time.Time{}, false
	}
	m.cancel = cancel
	return m.latest(), true
}

// delete settles a message that is done.
func (l *leases) delete(m *message) {
	l.finish(m, func(now time.Time) {
		if m.lost {
			// Nothing is deleted with a stale handle. It is deleted when it
			// comes back.
			l.memory.add(m.id, done)
			l.forget(m)
			return
		}
		l.await(m, deleting, now)
	})
}

// giveBack settles a message that is to be delivered again after the delay.
func (l *leases) giveBack(m *message, delay time.Duration) {
	l.finish(m, func(now time.Time) { l.giveBackLocked(m, delay, now) })
}

func (l *leases) giveBackLocked(m *message, delay time.Duration, now time.Time) {
	m.delay = delay
	if m.lost {
		l.forget(m) // it is back already
		return
	}
	l.await(m, returning, now)
}

// quarantine settles a message that is to be sent to the quarantine queue and
// then deleted.
func (l *leases) quarantine(m *message) {
	l.finish(m, func(now time.Time) {
		switch {
		case m.lost:
			l.forget(m) // it is back already
		case len(l.waiting[quarantine]) >= maxQuarantining:
			l.tally.left++
			l.forget(m)
		default:
			l.await(m, quarantining, now)
		}
	})
}

// await puts a message where the call that settles it takes it from.
func (l *leases) await(m *message, s state, now time.Time) {
	m.state = s
	m.tries = 0
	m.notBefore, m.dueAt = now, now.Add(l.linger)
	if s == deleting && m.group != "" {
		m.dueAt = now // SQS holds back the rest of the group meanwhile
	}
	op := operationOf[s]
	l.waiting[op] = append(l.waiting[op], m)
}

// leave settles a message that is neither deleted nor given back: it becomes
// visible when its lease ends, and the queue's redrive policy takes it away in
// the end. forGood remembers that it is not to be handled again.
func (l *leases) leave(m *message, forGood bool) {
	l.finish(m, func(time.Time) {
		if forGood {
			l.memory.add(m.id, refused)
		}
		l.tally.left++
		l.forget(m)
	})
}

// finish ends the running state, once: a handler that returns after its
// message was given back at the end of a drain has nothing left to decide.
func (l *leases) finish(m *message, settle func(now time.Time)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.state != running {
		return
	}
	now := time.Now()
	l.running--
	l.active = now
	m.cancel = nil
	m.token.HandlerDone()
	settle(now)
	if m.state != quarantining {
		m.body, m.opened = nil, Result{} // which fill memory
	}
	// Others linger for as long as those before them: they need no wake-up.
	deletes := len(l.waiting[remove])
	if l.running == 0 || deletes%sqscall.MaxBatch == 0 || deletes == 1 || m.state != deleting || m.group != "" {
		signal(l.wake)
	}
}

// forget ends the care for a message that needs nothing more.
func (l *leases) forget(m *message) {
	m.state = settled
	delete(l.held, m.id)
	m.token.Settled()
}

// lose takes note that a message is no longer ours.
func (l *leases) lose(m *message) {
	if m.state == quarantining {
		l.tally.left++
	} else {
		l.tally.lost++
	}
	for op := range l.waiting {
		l.waiting[op] = slices.DeleteFunc(l.waiting[op], func(other *message) bool { return other == m })
	}
	switch m.state {
	case running:
		m.lost = true
		if m.cancel != nil {
			m.cancel(ErrLeaseLost)
		}
		l.log.Warn("lease lost", zap.String("messageId", m.id), zap.Bool("handlerCancelled", m.cancel != nil))
	case deleting:
		l.memory.add(m.id, done)
		l.forget(m)
		l.log.Warn("lease lost before the delete was confirmed, will delete the message unhandled if it comes back", zap.String("messageId", m.id))
	case returning, quarantining:
		l.forget(m)
	}
}

// hurry ends all lingering: the worker is about to stop.
func (l *leases) hurry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hurrying = true
	signal(l.wake)
}

// close lets run return once everything is settled.
func (l *leases) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	signal(l.wake)
}

// abandon gives back every message whose handler has not finished, and returns
// how many handlers are left behind.
func (l *leases) abandon() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, abandoned := time.Now(), 0
	for _, m := range l.held {
		if m.state == running {
			if m.cancel != nil { // others wait behind one of their group
				abandoned++
			}
			l.running--
			m.token.HandlerDone()
			l.giveBackLocked(m, 0, now)
		}
	}
	signal(l.wake)
	return abandoned
}

// summary returns what became of messages so far, and how many are not
// settled.
func (l *leases) summary() (t tally, unsettled int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tally, len(l.held)
}

// signal wakes the one receiver of a channel with room for one, which looks at
// everything again when it is woken.
func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
