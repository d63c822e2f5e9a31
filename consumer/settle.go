package consumer

import (
	"context"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/internal/outage"
	"wildix-worker/internal/sqscall"
)

// run makes the calls that are due until ctx ends, or until everything is
// settled after close. It waits for the calls that it has begun.
func (l *leases) run(ctx context.Context) {
	var calls sync.WaitGroup
	defer calls.Wait()
	lines := make(chan struct{}, settleLines)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		// A line comes first and the choice of what to send second, so that
		// batches fill up while all lines are busy.
		select {
		case lines <- struct{}{}:
		case <-ctx.Done():
			return
		}
		b, wait, settled := l.next()
		if b != nil {
			calls.Go(func() {
				l.send(ctx, b)
				<-lines
			})
			continue
		}
		<-lines
		if settled {
			return
		}
		timer.Reset(wait)
		select {
		case <-l.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// next returns the batch that is due, or how long there is none, or that there
// will be none any more. Extensions come first: they can't wait.
func (l *leases) next() (b *batch, wait time.Duration, settled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !now.Before(l.renewAt) {
		b = l.dueRenewals(now)
	}
	wait, settled = l.renewAt.Sub(now), l.closing && l.calls == 0
	for _, op := range []operation{giveBack, quarantine, remove} {
		if b != nil {
			break
		}
		at := later(l.dueTime(l.waiting[op], now), l.openAt(op, now))
		if !now.Before(at) {
			b = l.due(op, now)
		}
		wait = min(wait, at.Sub(now))
		settled = settled && len(l.waiting[op]) == 0
	}
	if b == nil {
		return nil, wait, settled
	}
	l.calls++
	l.health[b.operation].calling++
	return b, 0, false
}

// health is how calls of one operation fare. After a failure they are made one
// at a time and with pauses, until one succeeds.
type health struct {
	trouble  *outage.Log
	requests Requests
	calling  int
	failing  bool
	retryAt  time.Time
}

// openAt returns when a call of the operation may be made.
func (l *leases) openAt(op operation, now time.Time) time.Time {
	h := &l.health[op]
	if h.failing && h.calling > 0 {
		return now.Add(far) // its answer wakes the loop
	}
	return h.retryAt
}

// far is later than anything that is waited for; the next message or answer
// wakes the loop before it.
const far = time.Hour

// dueTime returns when a batch of the waiting messages is to be sent: when ten
// are ready, when one has lingered long enough, or, if the worker would
// otherwise go quiet, soon.
func (l *leases) dueTime(waiting []*message, now time.Time) time.Time {
	due, ready := now.Add(far), 0
	for _, m := range waiting {
		if m.calling {
			continue // its answer wakes the loop
		}
		due = earlier(due, l.lingersUntil(m))
		if !m.notBefore.After(now) {
			ready++
		}
		if ready == sqscall.MaxBatch {
			return now
		}
	}
	return due
}

func (l *leases) lingersUntil(m *message) time.Time {
	switch {
	case l.hurrying:
		return m.notBefore
	case l.running == 0:
		return earlier(m.dueAt, later(m.notBefore, l.active.Add(quietTime)))
	default:
		return m.dueAt
	}
}

// due takes out of the waiting messages as many as one call can be about.
func (l *leases) due(op operation, now time.Time) *batch {
	b := &batch{operation: op}
	waiting := l.waiting[op]
	rest := waiting[:0]
	for i, m := range waiting {
		if b.full(m) {
			rest = append(rest, waiting[i:]...)
			break
		}
		if m.calling || m.notBefore.After(now) {
			rest = append(rest, m)
			continue
		}
		b.add(m, m.timeout(now))
	}
	clear(waiting[len(rest):])
	l.waiting[op] = rest
	if len(b.messages) == 0 {
		return nil
	}
	return b
}

// dueRenewals looks at every lease: it gives up those that have ended, and
// returns up to ten that are to be extended. Those whose time is near are
// taken along.
func (l *leases) dueRenewals(now time.Time) *batch {
	b := &batch{operation: renew}
	l.renewAt = now.Add(l.visibility / 4)
	soon := now.Add(l.visibility / 8)
	openAt := l.openAt(renew, now)
	for _, m := range l.held {
		switch {
		case m.lost:
		case m.calling:
			l.waitForAnswer(m, now)
		case !now.Before(m.ends):
			l.lose(m)
		case m.state == returning || m.state == quarantining:
			l.lookAgain(m.ends)
		case m.renewAt.After(soon):
			l.lookAgain(earlier(m.renewAt, m.ends))
		case now.Before(openAt):
			l.lookAgain(earlier(openAt, m.ends))
		case len(b.messages) == sqscall.MaxBatch:
			l.renewAt = now // there are more
		default:
			l.addRenewal(b, m, now)
		}
	}
	if len(b.messages) == 0 {
		return nil
	}
	return b
}

func (l *leases) lookAgain(at time.Time) { l.renewAt = earlier(l.renewAt, at) }

// addRenewal extends a lease as far as SQS's twelve hours allow, and lets it
// end when they don't.
func (l *leases) addRenewal(b *batch, m *message, now time.Time) {
	timeout := min(l.visibility, m.latest().Sub(now)).Truncate(time.Second)
	if !now.Add(timeout - l.margin()).After(m.ends) {
		m.renewAt = m.ends
		l.lookAgain(m.ends)
		return
	}
	b.add(m, seconds(timeout))
	l.waitForAnswer(m, now)
}

// waitForAnswer leaves a lease to the call that is under way, but no handler
// goes on without one. Whether it is lost or was extended, the answer tells.
func (l *leases) waitForAnswer(m *message, now time.Time) {
	if now.Before(m.ends) {
		l.lookAgain(m.ends)
	} else if m.cancel != nil {
		m.cancel(ErrLeaseLost)
	}
}

// callTimeout bounds a batch call, so that another one fits into the lease.
func (l *leases) callTimeout() time.Duration { return min(10*time.Second, l.visibility/4) }

// send makes the call and takes its answer, entry by entry.
func (l *leases) send(ctx context.Context, b *batch) {
	ctx, cancel := context.WithTimeout(ctx, l.callTimeout())
	defer cancel()
	begun := time.Now()
	failed, err := l.caller.call(ctx, b)

	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls--
	l.health[b.operation].answered(err, l.visibility/8)
	for i, m := range b.messages {
		m.calling = false
		code, entryFailed := failed[strconv.Itoa(i)]
		switch {
		case b.operation == quarantine && (err != nil || entryFailed):
			l.notQuarantined(m, code)
		case b.operation != quarantine && m.handle != b.handles[i], err != nil:
			l.again(m, b.operation, 0) // about an older handle, or about none
		case entryFailed && isStale(code):
			l.log.Debug("receipt handle no longer valid", zap.Stringer("operation", b.operation), zap.String("messageId", m.id), zap.String("code", code))
			l.lose(m)
		case entryFailed:
			l.log.Warn("SQS refused one message of a batch, will try again",
				zap.Stringer("operation", b.operation), zap.String("messageId", m.id), zap.String("code", code))
			m.tries++
			l.again(m, b.operation, min(sqscall.Backoff.FullJitter(m.tries), l.visibility/8))
		default:
			l.succeeded(m, b, i, begun)
		}
	}
	signal(l.wake)
}

// answered takes note of how a call went; maxPause bounds the next pause.
func (h *health) answered(err error, maxPause time.Duration) {
	h.calling--
	if err == nil {
		h.requests.Succeeded++
		h.trouble.Succeeded()
		h.failing, h.retryAt = false, time.Time{}
		return
	}
	h.requests.Failed++
	h.failing = true
	h.retryAt = time.Now().Add(min(sqscall.Backoff.FullJitter(h.trouble.Failed(err)), maxPause))
}

// succeeded takes note of an entry that SQS has carried out.
func (l *leases) succeeded(m *message, b *batch, i int, begun time.Time) {
	m.tries = 0
	switch b.operation {
	case renew:
		l.tally.extended++
		granted := time.Duration(b.timeouts[i]) * time.Second
		m.ends = begun.Add(granted - l.margin())
		m.renewAt = begun.Add(granted / 2)
		l.lookAgain(m.renewAt)
	case remove:
		l.tally.deleted++
		l.deleted.add(m.id, done)
		l.forget(m)
	case giveBack:
		l.tally.returned++
		l.forget(m)
	case quarantine:
		l.tally.quarantined++
		m.body, m.opened = nil, Result{}
		l.await(m, deleting, time.Now())
	}
}

// notQuarantined leaves a message that the quarantine queue did not take, as if
// there were none: it comes back by itself, and is tried again then.
func (l *leases) notQuarantined(m *message, code string) {
	if code != "" {
		l.log.Warn("quarantine queue refused a message, leaving it", zap.String("messageId", m.id), zap.String("code", code))
	}
	l.tally.left++
	l.forget(m)
}

// again puts a message back where the batch took it from, to be tried again
// after a pause. The lease bounds how often.
func (l *leases) again(m *message, op operation, pause time.Duration) {
	at := time.Now().Add(pause)
	switch op {
	case renew:
		m.renewAt = at
	default:
		if op == remove {
			l.tally.undeleted++
		}
		m.notBefore, m.dueAt = at, at
		l.waiting[op] = append(l.waiting[op], m)
	}
	l.lookAgain(earlier(m.renewAt, m.ends))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
