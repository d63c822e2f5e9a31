package settle

import (
	"time"

	"wildix-worker/consumer/internal/inflight"
	"wildix-worker/internal/newest"
)

const (
	// maxLease is SQS's limit of a lease with all its extensions, counted from the
	// receive.
	maxLease = 12 * time.Hour
	// leaseMargin is how much earlier than at SQS a lease ends here. It allows for the
	// time that an answer is on its way.
	leaseMargin = time.Second
	// heldLease is the length of the lease of a message that is held, once it has been in hand
	// for heldBriefly, if the visibility timeout is not longer. It is extended when half of it
	// is over, so that 10,000 held messages cost 125 calls a minute. Until then the lease is as
	// short as that of a message that is handled, since it is also how long the message stays
	// invisible if the process is killed.
	heldLease   = 16 * time.Minute
	heldBriefly = time.Minute
	// heldMargin is how long before the end of its longest lease a held message expires,
	// so that it can be returned in time.
	heldMargin = 2 * maxCheck
	// overdueAfter is how long after its deadline a handler that has not returned is
	// overdue.
	overdueAfter = time.Minute
	// maxCheck is the longest time between two checks of the leases.
	maxCheck = 30 * time.Second
)

// A Lease is the time until SQS makes a received message visible again, and the state
// of its settling. [Settler.Admit] begins it. The Settler's lock guards its fields, except
// those that never change. Thousands are kept while messages are held, so it is small: what is
// not needed while a message is held is in its act.
type Lease struct {
	text string // the id of the message, and the newest receipt handle

	receivedAt moment // when the newest receipt handle came
	ends       moment // when SQS makes the message visible
	extendAt   moment

	// current is the *act, or the Holder of a message that is held. It is nil if there is neither.
	current any

	token         inflight.Token // the budget's lock guards it
	firstReceived uint32         // see millisOf; never changes

	idSize   int32  // of text; never changes
	tries    uint16 // failures in a row of the call that settles the message
	state    state
	grouped  bool // the message has a group of a FIFO queue; never changes
	lost     bool // it ended, or SQS said so, before the handler was done
	held     bool // its handler is called later
	extended bool // beyond the visibility timeout, while it was held
	left     bool // the return shortens the lease of a message that is left
	// inCall is set while a call for the message runs. There is never a second one,
	// so that an extension can't undo a return or race a delete.
	inCall  bool
	calling operation // of that call
}

// An act is what is done with a message: it is handled, or then settled.
type act struct {
	cancel   func() // cancels the handler; nil while none runs
	deadline moment // of the handler that runs
	overdue  bool   // the handler has not returned long after its deadline

	next      *Lease        // the next delivery, if it came before the call was answered
	copy      *Copy         // for the quarantine queue
	delay     time.Duration // of a return
	notBefore moment        // earliest next try
	dueAt     moment        // when it stops waiting for others to share a call
}

// idle is the act of leases that have none. It is never changed.
var idle act

// doing returns what is done with the message, to be read.
func (l *Lease) doing() *act {
	if a, ok := l.current.(*act); ok {
		return a
	}
	return &idle
}

// begin returns what is done with the message, to be changed.
func (l *Lease) begin() *act {
	a, ok := l.current.(*act)
	if !ok {
		a = &act{}
		l.current = a
	}
	return a
}

// A Holder is told when its message can't be held longer.
type Holder interface {
	// HoldExpired is called at most once for each hold, on the goroutine of Run: the lease is
	// lost, or can't be extended further. It must not block.
	HoldExpired(lost bool)
}

// A moment is a time since the Settler was created. It takes a third of the memory of a
// time.Time.
type moment = time.Duration

func (s *Settler) now() moment { return time.Since(s.created) }

// MessageID returns the id of the lease's message.
func (s *Settler) MessageID(l *Lease) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.id()
}

// id returns the id of the message.
func (l *Lease) id() string { return l.text[:l.idSize] }

// handle returns the newest receipt handle.
func (l *Lease) handle() string { return l.text[l.idSize:] }

// Token returns the token of the message, which is the budget's to change.
func (l *Lease) Token() *inflight.Token { return &l.token }

type state uint8

const (
	handling     state = iota // its handler is not done, or has not begun
	deleting                  // to be deleted
	returning                 // to be returned to the queue
	quarantining              // to be sent to the quarantine queue, then deleted
	settled                   // nothing more to do
)

// operation returns the operation that a lease in this state waits for.
func (s state) operation() operation {
	return [...]operation{deleting: opDelete, returning: opReturn, quarantining: opQuarantine}[s]
}

// latest is when the lease ends if it is extended as often as SQS allows.
func (l *Lease) latest() moment { return l.receivedAt + maxLease - leaseMargin }

// returnTimeout returns the visibility timeout that makes the message visible after
// its delay, in whole seconds, rounded up.
func (l *Lease) returnTimeout(now moment) int32 {
	delay := min(l.doing().delay, maxLease) + time.Second - 1
	return max(0, seconds(min(delay, l.latest()-now)))
}

// seconds returns d as SQS expects it.
func seconds(d time.Duration) int32 { return int32(d / time.Second) }

// Begin must be called before each call of the message's handler. It returns the
// handler's deadline: after limit, or when the lease can't be extended further. It returns
// false if the handler must not be called, because the lease is lost or the message is
// settled. When the lease is lost later, cancel is called; it must cancel the handler.
func (s *Settler) Begin(l *Lease, limit time.Duration, cancel func()) (_ time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if l.lost || l.state != handling || now >= l.ends {
		return time.Time{}, false
	}
	deadline := min(now+limit, l.latest())
	a := l.begin()
	a.cancel, a.deadline = cancel, deadline
	s.checkBy(deadline + overdueAfter)
	return s.created.Add(deadline), true
}

// Hold extends the lease of a message, in steps of heldLease if that takes long, for a
// handler that is called later. The holder may be nil.
func (s *Settler) Hold(l *Lease, holder Holder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.state != handling {
		return
	}
	s.handlerReturned(l)
	l.current, l.held = holder, true
	s.handling--
	if l.lost {
		s.expire(l)
	}
}

// Resume ends a hold. The handler is about to be called.
func (s *Settler) Resume(l *Lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.held {
		l.current, l.held = nil, false
		s.handling++
	}
}

// An expiry is a hold that Run must end.
type expiry struct {
	holder Holder
	lost   bool
}

// expire makes Run end the message's hold.
func (s *Settler) expire(l *Lease) {
	if holder, ok := l.current.(Holder); ok {
		s.expired = append(s.expired, expiry{holder, l.lost})
		l.current = nil
		s.wakeRun()
	}
}

// takeExpired returns the holds that Run must end.
func (s *Settler) takeExpired() []expiry {
	s.mu.Lock()
	defer s.mu.Unlock()
	expired := s.expired
	s.expired = nil
	return expired
}

// granted records that SQS granted or extended a lease at the given time.
func (s *Settler) granted(l *Lease, at moment, timeout time.Duration) {
	l.ends = at + timeout - s.margin
	l.extendAt = at + timeout/2
}

// A Receipt is one delivery of a message.
type Receipt struct {
	Text          string    // the id of the message, then the receipt handle
	IDSize        int       // of Text
	FirstReceived time.Time // of the message; zero if unknown
	Group         string    // of a FIFO queue, or empty
	ReceivedAt    time.Time
}

// An Admission says what to do with a received message.
type Admission uint8

const (
	Fresh   Admission = iota // handle it
	InHand                   // do nothing: an earlier delivery is not settled
	Done                     // delete it: an earlier delivery was handled
	Refused                  // refuse it again: an earlier delivery was refused
)

// millisOf returns the time in Unix milliseconds, without those bits that are the same for all
// times of a message, since SQS keeps it at most for two weeks.
func millisOf(t time.Time) uint32 { return uint32(t.UnixMilli()) }

// Admit takes over a message that was just received, and its slot, and begins its lease in l,
// which is zero. The caller must settle the lease. For a message that is InHand, l stays zero:
// the slot is given back, and the earlier delivery adopts the newer receipt handle.
func (s *Settler) Admit(l *Lease, r Receipt) Admission {
	s.mu.Lock()
	defer s.mu.Unlock()
	receivedAt := r.ReceivedAt.Sub(s.created)
	s.lastActive = receivedAt
	inHand, ok := s.leases[r.Text[:r.IDSize]]
	if ok && !inHand.isReturned() {
		s.adopt(inHand, r.Text[r.IDSize:], receivedAt)
		s.budget.GiveBack(1)
		return InHand
	}
	*l = Lease{
		text: r.Text, idSize: int32(r.IDSize), firstReceived: millisOf(r.FirstReceived),
		grouped: r.Group != "", receivedAt: receivedAt,
	}
	s.granted(l, receivedAt, s.visibility)
	if ok {
		s.replace(inHand, l)
	}
	s.leases[l.id()] = l
	s.handling++
	switch known := s.unsettled.of(l.id()); {
	case known.outcome == refused && known.firstReceived == l.firstReceived:
		return Refused
	case known.outcome == done, s.deleted.Has(newest.KeyOf(l.id())):
		return Done
	default:
		return Fresh
	}
}

// isReturned reports whether the message must have been returned if it is delivered again
// now, though the call is not answered. SQS delivers no message of a FIFO group twice, and
// the answers to the call and to the receive may come at the same time.
func (l *Lease) isReturned() bool {
	return l.grouped && l.state == returning && l.inCall && l.calling == opReturn && l.doing().delay == 0
}

// replace ends the lease of a message that is returned, though the call is not answered.
// Calls for the next lease wait for that answer.
func (s *Settler) replace(l, next *Lease) {
	s.counts.returned++
	s.forget(l)
	l.begin().next, next.inCall = next, true
}

// adopt replaces the receipt handle of a lease by that of a newer delivery. With the
// older one, SQS may confirm a delete and delete nothing.
func (s *Settler) adopt(l *Lease, handle string, receivedAt moment) {
	l.text, l.receivedAt, l.lost = l.id()+handle, receivedAt, false
	s.granted(l, receivedAt, s.visibility)
	s.wakeRun()
}
