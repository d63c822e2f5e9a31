package settle

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"wildix-worker/internal/sqscall"
)

// Delete settles a message by deleting it.
func (s *Settler) Delete(l *Lease) {
	s.settle(l, func(now time.Time) {
		if l.lost {
			// Nothing is deleted with a stale receipt handle. The message is
			// deleted when it is delivered again.
			s.unsettled.add(l.id, done)
			s.forget(l)
			return
		}
		s.enqueue(l, deleting, now)
	})
}

// Return settles a message by returning it to the queue with a delay.
func (s *Settler) Return(l *Lease, delay time.Duration) {
	s.settle(l, func(now time.Time) { s.enqueueReturn(l, delay, now) })
}

// Quarantine settles a message by sending its copy to the quarantine queue and then
// deleting it. If that queue is too slow, the message is left.
func (s *Settler) Quarantine(l *Lease, c Copy) {
	s.settle(l, func(now time.Time) {
		switch {
		case l.lost:
			s.forget(l) // it is visible again
		case len(s.waiting[opQuarantine]) >= maxQuarantining:
			s.counts.left++
			s.forget(l)
		default:
			l.copy = &c
			s.enqueue(l, quarantining, now)
		}
	})
}

// Leave settles a message by neither deleting nor returning it: it becomes visible when
// its lease ends.
func (s *Settler) Leave(l *Lease) {
	s.settle(l, func(time.Time) {
		s.counts.left++
		s.forget(l)
	})
}

// Refuse leaves a message, and remembers not to handle it when it is delivered again.
func (s *Settler) Refuse(l *Lease) {
	s.settle(l, func(time.Time) {
		s.unsettled.add(l.id, refused)
		s.counts.left++
		s.forget(l)
	})
}

// Abandon returns every message whose handler is not done, and reports how many
// handlers still run. Their results are ignored.
func (s *Settler) Abandon() (running int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, l := range s.leases {
		if l.state != handling {
			continue
		}
		if l.cancel != nil { // the others wait for a message of their group
			running++
		}
		s.handling--
		l.token.HandlerDone()
		s.enqueueReturn(l, 0, now)
	}
	s.wakeRun()
	return running
}

// settle ends the handling of a message and calls decide, which settles it. Only the
// first call for a message counts: a handler may return after its message was abandoned.
func (s *Settler) settle(l *Lease, decide func(now time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.state != handling {
		return
	}
	now := time.Now()
	s.handling--
	s.lastActive = now
	l.cancel = nil
	l.token.HandlerDone()
	decide(now)
	// A delete that is neither the first nor completes a batch needs no wake-up: it is
	// due with those before it.
	deletes := len(s.waiting[opDelete])
	if s.handling == 0 || deletes%sqscall.MaxBatch == 0 || deletes == 1 || l.state != deleting || l.group != "" {
		s.wakeRun()
	}
}

func (s *Settler) enqueueReturn(l *Lease, delay time.Duration, now time.Time) {
	if l.lost {
		s.forget(l) // it is visible again
		return
	}
	l.delay = delay
	s.enqueue(l, returning, now)
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
		if l.cancel != nil {
			l.cancel()
		}
		s.log.Warn("lease lost", zap.String("messageId", l.id), zap.Bool("handlerCancelled", l.cancel != nil))
	case deleting:
		s.unsettled.add(l.id, done)
		s.forget(l)
		s.log.Warn("lease lost before the delete was confirmed, will delete the message unhandled if it comes back", zap.String("messageId", l.id))
	case returning, quarantining:
		s.forget(l)
	}
}
