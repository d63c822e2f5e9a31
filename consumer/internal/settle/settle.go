package settle

import (
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"go.uber.org/zap"

	"wildix-worker/internal/sqscall"
)

// Delete settles a message by deleting it.
func (s *Settler) Delete(l *Lease) {
	s.settle(l, func(now moment) {
		if l.lost {
			// Nothing is deleted with a stale receipt handle. The message is
			// deleted when it is delivered again.
			s.unsettled.add(l.id(), prior{outcome: done})
			s.forget(l)
			return
		}
		s.enqueue(l, deleting, now)
	})
}

// Return settles a message by returning it to the queue with a delay.
func (s *Settler) Return(l *Lease, delay time.Duration) {
	s.settle(l, func(now moment) { s.enqueueReturn(l, delay, now) })
}

// ReturnAtOnce is Return without waiting for others to share the call. It is for a message
// that its FIFO group waits for.
func (s *Settler) ReturnAtOnce(l *Lease, delay time.Duration) {
	s.settle(l, func(now moment) { s.enqueueReturnAtOnce(l, delay, now) })
}

// Quarantine settles a message by sending its copy to the quarantine queue and then
// deleting it. If that queue is too slow, the message is left.
func (s *Settler) Quarantine(l *Lease, c Copy) {
	s.settle(l, func(now moment) {
		switch {
		case l.lost:
			s.forget(l) // it is visible again
		case len(s.waiting[opQuarantine]) >= maxQuarantining:
			s.leave(l, now)
		default:
			c.messageID = l.id()
			l.begin().copy = &c
			s.enqueue(l, quarantining, now)
		}
	})
}

// Leave settles a message by neither deleting nor returning it: it becomes visible when
// its lease ends. If that was extended while the message was held, it is shortened to the
// visibility timeout.
func (s *Settler) Leave(l *Lease) {
	s.settle(l, func(now moment) { s.leave(l, now) })
}

// Refuse leaves a message, and remembers not to handle it when it is delivered again. A
// message of a FIFO group is returned with the delay instead, since SQS delivers no other
// message of its group before.
func (s *Settler) Refuse(l *Lease, delay time.Duration) {
	s.settle(l, func(now moment) {
		s.unsettled.add(l.id(), prior{refused, l.firstReceived})
		if l.grouped {
			s.enqueueReturnAtOnce(l, delay, now)
			return
		}
		s.leave(l, now)
	})
}

// Abandon returns every message whose handler is not done, and reports how many
// handlers still run. Their results are ignored.
func (s *Settler) Abandon() (running int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for _, l := range s.leases {
		if l.state != handling {
			continue
		}
		if l.doing().cancel != nil { // the others wait for a message of their group
			running++
		}
		s.handlerDone(l)
		s.enqueueReturn(l, 0, now)
	}
	s.wakeRun()
	return running
}

// settle ends the handling of a message and calls decide, which settles it. Only the
// first call for a message counts: a handler may return after its message was abandoned.
func (s *Settler) settle(l *Lease, decide func(now moment)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.state != handling {
		return
	}
	now := s.now()
	s.lastActive = now
	s.handlerDone(l)
	decide(now)
	// A delete that is neither the first nor completes a batch needs no wake-up: it is
	// due with those before it.
	deletes := len(s.waiting[opDelete])
	if s.handling == 0 || deletes%sqscall.MaxBatch == 0 || deletes == 1 || l.state != deleting || l.grouped {
		s.wakeRun()
	}
}

// handlerDone records that the message's handler is done, or is not called again.
func (s *Settler) handlerDone(l *Lease) {
	if l.held {
		l.current, l.held = nil, false
	} else {
		s.handling--
	}
	s.handlerReturned(l)
	s.budget.HandlerDone(&l.token)
}

// handlerReturned records that no handler of the message runs.
func (s *Settler) handlerReturned(l *Lease) {
	a, ok := l.current.(*act)
	if !ok {
		return
	}
	if a.overdue {
		s.overdue--
	}
	a.cancel, a.overdue = nil, false
}

func (s *Settler) leave(l *Lease, now moment) {
	s.counts.left++
	if !l.extended {
		s.forget(l)
		return
	}
	l.left = true
	s.enqueueReturn(l, s.visibility, now)
}

func (s *Settler) enqueueReturn(l *Lease, delay time.Duration, now moment) {
	if l.lost {
		s.forget(l) // it is visible again
		return
	}
	l.begin().delay = delay
	s.enqueue(l, returning, now)
}

func (s *Settler) enqueueReturnAtOnce(l *Lease, delay time.Duration, now moment) {
	s.enqueueReturn(l, delay, now)
	l.begin().dueAt = now
}

// lose records that SQS has made a message visible again, or deleted it.
func (s *Settler) lose(l *Lease) {
	switch l.state {
	case settled:
		return // left while its extension was under way
	case quarantining:
		s.counts.left++
	default:
		s.counts.lost++
	}
	for op := range s.waiting {
		s.waiting[op] = slices.DeleteFunc(s.waiting[op], func(other *Lease) bool { return other == l })
	}
	switch l.state {
	case handling:
		l.lost = true
		if cancel := l.doing().cancel; cancel != nil {
			cancel()
		}
		s.expire(l)
		s.log.Warn("lease lost", zap.String("messageId", l.id()), zap.Bool("handlerCancelled", l.doing().cancel != nil))
	case deleting:
		s.unsettled.add(l.id(), prior{outcome: done})
		s.forget(l)
		s.log.Warn("lease lost before the delete was confirmed, will delete the message unhandled if it comes back", zap.String("messageId", l.id()))
	case returning, quarantining:
		s.forget(l)
	}
}

const (
	// recentMessages is how many messages of each kind are remembered.
	recentMessages = 10_000
	// maxRetention is how long SQS keeps a message at most.
	maxRetention = 14 * 24 * time.Hour
)

// A priorOutcome is the outcome of an earlier delivery of a message.
type priorOutcome uint8

const (
	unknown priorOutcome = iota
	done                 // handled: delete it
	refused              // failed for good: never handle it again
)

// A prior is what is known of earlier deliveries of a message.
type prior struct {
	outcome priorOutcome
	// firstReceived is of a message that was refused. One that was moved to the dead-letter
	// queue and back is a new message, which some servers give the same id.
	firstReceived uint32
}

// recent holds the outcomes of the newest recentMessages messages. It is guarded by the
// Settler's lock.
type recent struct {
	cache *simplelru.LRU[string, prior] // by message id
}

func newRecent() recent {
	cache, err := simplelru.NewLRU[string, prior](recentMessages, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return recent{cache}
}

func (r recent) add(id string, p prior) {
	r.cache.Add(strings.Clone(id), p) // the SDK's string shares memory with a whole answer
}

// of returns what is known of a message. It does not make the message newer.
func (r recent) of(id string) prior {
	p, _ := r.cache.Peek(id)
	return p
}

// enqueue makes the message wait for the call of its new state.
func (s *Settler) enqueue(l *Lease, to state, now moment) {
	l.state = to
	l.tries = 0
	a := l.begin()
	a.notBefore, a.dueAt = now, now+s.linger
	if to == deleting && l.grouped {
		a.dueAt = now // SQS delivers no other message of the group before the delete
	}
	op := to.operation()
	s.waiting[op] = append(s.waiting[op], l)
}

// forget ends a lease that needs nothing more.
func (s *Settler) forget(l *Lease) {
	l.state = settled
	if a, ok := l.current.(*act); ok {
		a.copy = nil
	}
	delete(s.leases, l.id())
	s.budget.Settled(&l.token)
}
