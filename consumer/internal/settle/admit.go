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

// An Admission says what to do with a received message.
type Admission uint8

const (
	Fresh   Admission = iota // handle it
	InHand                   // do nothing: an earlier delivery is not settled
	Done                     // delete it: an earlier delivery was handled
	Refused                  // leave it: an earlier delivery was refused
)

// Admit takes over a message that was just received, and its token. The caller must
// settle the lease. For a message that is InHand the lease is nil: the token is
// cancelled, and the earlier delivery adopts the newer receipt handle.
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

// adopt replaces the receipt handle of a lease by that of a newer delivery. With the
// older one, SQS may confirm a delete and delete nothing.
func (s *Settler) adopt(l *Lease, r Receipt) {
	l.handle, l.receivedAt, l.lost = r.Handle, r.ReceivedAt, false
	s.granted(l, r.ReceivedAt, s.visibility)
	s.wakeRun()
}

// Begin must be called before the message's handler. It returns the time beyond which
// the lease can't be extended. It returns false if the handler must not be called,
// because the lease is lost or the message is settled. When the lease is lost later,
// cancel is called; it must cancel the handler.
func (s *Settler) Begin(l *Lease, cancel func()) (latest time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.lost || l.state != handling || !time.Now().Before(l.ends) {
		return time.Time{}, false
	}
	l.cancel = cancel
	return l.latest(), true
}
