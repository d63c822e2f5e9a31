package settle

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/internal/outage"
	"wildix-worker/internal/sqscall"
)

// maxCalls is how many batch calls run at once.
const maxCalls = 16

// Run makes calls when they are due, until ctx ends or, after Close, until every
// message is settled. It returns when its calls have returned.
func (s *Settler) Run(ctx context.Context) {
	// The goroutines that make calls are reused. The SDK needs a deep stack, and
	// growing that of a new goroutine for each call took 5 % of a busy worker's CPU.
	batches := make(chan *batch)
	underWay := make(chan struct{}, maxCalls)
	var senders sync.WaitGroup
	defer senders.Wait()
	defer close(batches)
	for range maxCalls {
		senders.Go(func() {
			for b := range batches {
				s.send(ctx, b)
				<-underWay
			}
		})
	}

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		for _, hold := range s.takeExpired() {
			hold.holder.HoldExpired(hold.lost)
		}
		// What to send is decided only when a call can be made, so that batches
		// fill up in the meantime.
		select {
		case underWay <- struct{}{}:
		case <-ctx.Done():
			return
		}
		b, wait, finished := s.next()
		if b != nil {
			batches <- b
			continue
		}
		<-underWay
		if finished {
			return
		}
		timer.Reset(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// send makes one call and processes its answer.
func (s *Settler) send(ctx context.Context, b *batch) {
	ctx, cancel := context.WithTimeout(ctx, s.callTimeout())
	defer cancel()
	begun := s.now()
	failed, err := s.queue.call(ctx, b)
	s.answered(b, begun, failed, err)
}

// next returns the batch that is due, or nil and how long to wait. finished reports
// that there will be no more batches. Extensions take precedence, since they can't wait.
func (s *Settler) next() (b *batch, wait time.Duration, finished bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now >= s.checkAt {
		b = s.checkLeases(now)
	}
	wait, finished = s.checkAt-now, s.closed && s.underWay == 0
	for _, op := range []operation{opReturn, opQuarantine, opDelete} {
		if b != nil {
			break
		}
		at := max(s.dueTime(s.waiting[op], now), s.health[op].openAt(now))
		if now >= at {
			b = s.take(op, now)
		}
		wait = min(wait, at-now)
		finished = finished && len(s.waiting[op]) == 0
	}
	if b == nil {
		return nil, wait, finished
	}
	s.underWay++
	s.health[b.operation].underWay++
	return b, 0, false
}

// dueTime returns when a batch of the waiting messages is due: now if ten are ready,
// and otherwise when the first has waited long enough.
func (s *Settler) dueTime(waiting []*Lease, now moment) moment {
	due, ready := now+far, 0
	for _, l := range waiting {
		if l.inCall {
			continue // the answer wakes Run
		}
		due = min(due, s.lingersUntil(l))
		if l.doing().notBefore <= now {
			ready++
		}
		if ready == sqscall.MaxBatch {
			return now
		}
	}
	return due
}

// lingersUntil returns until when a message waits for others to share a call.
func (s *Settler) lingersUntil(l *Lease) moment {
	switch a := l.doing(); {
	case s.hurried:
		return a.notBefore
	case s.handling == 0:
		return min(a.dueAt, a.notBefore+quietLinger, max(a.notBefore, s.lastActive+quietTime))
	default:
		return a.dueAt
	}
}

// take moves as many waiting messages as fit into one batch, or returns nil if none
// can be sent now.
func (s *Settler) take(op operation, now moment) *batch {
	b := &batch{operation: op}
	waiting := s.waiting[op]
	rest := waiting[:0]
	for i, l := range waiting {
		if !b.fits(l) {
			rest = append(rest, waiting[i:]...)
			break
		}
		if l.inCall || l.doing().notBefore > now {
			rest = append(rest, l)
			continue
		}
		b.add(l, now)
	}
	clear(waiting[len(rest):])
	s.waiting[op] = rest
	if len(b.leases) == 0 {
		return nil
	}
	return b
}

// An operation is what a batch call does to its messages.
type operation uint8

const (
	opExtend operation = iota
	opReturn
	opQuarantine
	opDelete

	operations = iota
)

func (o operation) String() string {
	return [...]string{"extend", "return", "quarantine", "delete"}[o]
}

// Requests counts calls of one operation.
type Requests struct{ Succeeded, Failed int }

// health is the state of one operation's calls. After a failure, one call at a time
// is made, with pauses, until one succeeds.
type health struct {
	outage   *outage.Log
	requests Requests
	underWay int // running calls
	failing  bool
	retryAt  moment
}

func newHealth(log *zap.Logger, op operation) health {
	return health{outage: sqscall.NewOutage(log, op.String())}
}

// openAt returns when the next call may be made.
func (h *health) openAt(now moment) moment {
	if h.failing && h.underWay > 0 {
		return now + far // its answer wakes Run
	}
	return h.retryAt
}

// answered records the result of a call. The pause after a failure is at most maxPause.
func (h *health) answered(now moment, err error, maxPause time.Duration) {
	h.underWay--
	if err == nil {
		h.requests.Succeeded++
		h.outage.Succeeded()
		h.failing, h.retryAt = false, 0
		return
	}
	h.requests.Failed++
	h.failing = true
	h.retryAt = now + min(sqscall.Backoff.FullJitter(h.outage.Failed(err)), maxPause)
}

// far stands for no known time: the next message or answer wakes Run earlier.
const far = time.Hour

// wakeRun makes Run decide again.
func (s *Settler) wakeRun() {
	select {
	case s.wake <- struct{}{}:
	default: // Run has not read the last one yet
	}
}

// checkBy makes Run check the leases no later than at.
func (s *Settler) checkBy(at moment) { s.checkAt = min(s.checkAt, at) }

// callTimeout limits one call, so that a second one fits into a lease.
func (s *Settler) callTimeout() time.Duration { return min(10*time.Second, s.visibility/4) }

// maxPause is the longest pause between calls that fail.
func (s *Settler) maxPause() time.Duration { return s.visibility / 8 }
