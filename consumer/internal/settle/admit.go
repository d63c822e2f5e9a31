package settle

import (
	"time"

	"wildix-worker/consumer/internal/inflight"
)

// A Receipt is one delivery of a message.
type Receipt struct {
	MessageID  string
	Group      string // of a FIFO queue, or empty
	Handle     string
	ReceivedAt time.Time
}

// An Admission is what a received message turns out to be.
type Admission uint8

const (
	Fresh   Admission = iota // it is to be handled
	InHand                   // it is not settled since an earlier delivery
	Done                     // an earlier delivery was handled: it is to be deleted
	Refused                  // an earlier delivery was refused: it is to be left
)

// Admit takes charge of a message that was just received, and of its token. The
// caller has to settle the lease, except for a message that is in hand already: it
// has no lease of its own, its token is cancelled and its newer receipt handle is
// adopted.
func (s *Settler) Admit(r Receipt, token *inflight.Token) (*Lease, Admission) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastActive = r.ReceivedAt
	if l, ok := s.leases[r.MessageID]; ok {
		s.adopt(l, r)
		token.Cancel()
		return nil, InHand
	}
	l := &Lease{id: r.MessageID, group: r.Group, token: token, handle: r.Handle, receivedAt: r.ReceivedAt}
	s.granted(l, r.ReceivedAt, s.visibility)
	s.leases[l.id] = l
	s.handling++
	switch {
	case s.unsettled.of(l.id) == refused:
		return l, Refused
	case s.unsettled.of(l.id) == done, s.deleted.of(l.id) == done:
		return l, Done
	default:
		return l, Fresh
	}
}

// adopt gives a message that is in hand the receipt handle of its newest delivery.
// SQS may still confirm a delete with the older one, and delete nothing.
func (s *Settler) adopt(l *Lease, r Receipt) {
	l.handle, l.receivedAt, l.lost = r.Handle, r.ReceivedAt, false
	s.granted(l, r.ReceivedAt, s.visibility)
	s.wakeRun()
}

// Begin is called before the message's handler, which cancel cancels when the lease
// is lost. It returns the time after which the lease can't be extended, and false if
// the handler must not be called since the lease is lost or the message is settled.
func (s *Settler) Begin(l *Lease, cancel func()) (latest time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.lost || l.state != handling || !time.Now().Before(l.ends) {
		return time.Time{}, false
	}
	l.cancel = cancel
	return l.latest(), true
}
