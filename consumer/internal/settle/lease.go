package settle

import (
	"time"

	"wildix-worker/consumer/internal/inflight"
)

const (
	// maxLease is how long SQS lets a message be in hand, from its receive and with
	// all extensions.
	maxLease = 12 * time.Hour
	// leaseMargin is how much earlier than at SQS a lease is taken to end: when an
	// answer is read, it has been on its way for a while.
	leaseMargin = time.Second
)

// A Lease is a received message's time until SQS makes it visible again, and how
// far its settling is. It is made by [Settler.Admit], and its fields are guarded by
// the Settler's lock.
type Lease struct {
	id    string // of the message
	group string // of a FIFO queue
	token *inflight.Token

	state      state
	handle     string    // the newest receipt handle
	receivedAt time.Time // when the newest receipt handle came
	ends       time.Time // when SQS makes the message visible
	extendAt   time.Time
	lost       bool   // it ended, or SQS said so, before the handler was done
	cancel     func() // cancels the handler; nil while none runs

	// inCall is set while a call about the message is not answered. There is never
	// a second one, so that an extension can't undo a return or race a delete.
	inCall    bool
	delay     time.Duration // of a return
	copy      *Copy         // for the quarantine queue
	tries     int           // failures in a row of the call that settles the message
	notBefore time.Time     // earliest next try
	dueAt     time.Time     // when it waits no longer for others to share a call with
}

type state uint8

const (
	handling     state = iota // its handler is not done, or has not begun
	deleting                  // to be deleted
	returning                 // to be returned to the queue
	quarantining              // to be sent to the quarantine queue, then deleted
	settled                   // nothing more to do
)

// operation returns the call that a lease in this state waits for.
func (s state) operation() operation {
	return [...]operation{deleting: opDelete, returning: opReturn, quarantining: opQuarantine}[s]
}

// latest is when the lease ends if it is extended as often as SQS allows.
func (l *Lease) latest() time.Time { return l.receivedAt.Add(maxLease - leaseMargin) }

// returnTimeout returns the visibility timeout that makes the message visible after
// its delay, in whole seconds, rounded up.
func (l *Lease) returnTimeout(now time.Time) int32 {
	return max(0, seconds(min(l.delay+time.Second-1, l.latest().Sub(now))))
}

// seconds returns d as SQS expects it.
func seconds(d time.Duration) int32 { return int32(d / time.Second) }

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
