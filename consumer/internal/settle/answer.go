package settle

import (
	"time"

	"go.uber.org/zap"

	"wildix-worker/internal/sqscall"
)

// answered processes the answer to a call that began at begun. failed and err are what
// queue.call returned.
func (s *Settler) answered(b *batch, begun time.Time, failed map[string]string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay--
	s.health[b.operation].answered(err, s.maxPause())
	for i, l := range b.leases {
		l.inCall = false
		code, entryFailed := failed[*sqscall.EntryID(i)]
		switch {
		case b.operation == opQuarantine && (err != nil || entryFailed):
			s.notQuarantined(l, code)
		case b.operation != opQuarantine && l.handle != b.handles[i], err != nil:
			s.again(l, b.operation, 0) // the call used an older receipt handle, or failed as a whole
		case entryFailed && isStale(code):
			s.log.Debug("receipt handle no longer valid", zap.Stringer("operation", b.operation), zap.String("messageId", l.id), zap.String("code", code))
			s.lose(l)
		case entryFailed:
			s.log.Warn("SQS refused one message of a batch, will try again",
				zap.Stringer("operation", b.operation), zap.String("messageId", l.id), zap.String("code", code))
			l.tries++
			s.again(l, b.operation, min(sqscall.Backoff.FullJitter(l.tries), s.maxPause()))
		default:
			s.confirmed(l, b, i, begun)
		}
	}
	s.wakeRun()
}

// confirmed records that SQS has carried out the i-th entry of a batch.
func (s *Settler) confirmed(l *Lease, b *batch, i int, begun time.Time) {
	l.tries = 0
	switch b.operation {
	case opExtend:
		s.counts.extended++
		s.granted(l, begun, time.Duration(b.timeouts[i])*time.Second)
		s.checkBy(l.extendAt)
	case opDelete:
		s.counts.deleted++
		s.deleted.add(l.id, done)
		s.forget(l)
	case opReturn:
		s.counts.returned++
		s.forget(l)
	case opQuarantine:
		s.counts.quarantined++
		l.copy = nil
		s.enqueue(l, deleting, time.Now())
	}
}

// notQuarantined leaves a message that the quarantine queue did not take. It is
// delivered again when its lease ends, and sent to quarantine then.
func (s *Settler) notQuarantined(l *Lease, code string) {
	if code != "" {
		s.log.Warn("quarantine queue refused a message, leaving it", zap.String("messageId", l.id), zap.String("code", code))
	}
	s.counts.left++
	s.forget(l)
}

// again schedules another call for a message after a pause. The tries end with its
// lease.
func (s *Settler) again(l *Lease, op operation, pause time.Duration) {
	at := time.Now().Add(pause)
	switch op {
	case opExtend:
		l.extendAt = at
	default:
		if op == opDelete {
			s.counts.deletesFailed++
		}
		l.notBefore, l.dueAt = at, at
		s.waiting[op] = append(s.waiting[op], l)
	}
	s.checkBy(earlier(l.extendAt, l.ends))
}
