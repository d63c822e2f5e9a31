package settle

import (
	"time"

	"wildix-worker/consumer/internal/inflight"
)

const (
	// maxLease is SQS's limit of a lease with all its extensions, counted from the
	// receive.
	maxLease = 12 * time.Hour
	// leaseMargin is how much earlier than at SQS a lease ends here. It allows for the
	// time that an answer is on its way.
	leaseMargin = time.Second
)

// A Lease is the time until SQS makes a received message visible again, and the state
// of its settling. [Settler.Admit] creates it. The Settler's lock guards its fields.
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

	// inCall is set while a call for the message runs. There is never a second one,
	// so that an extension can't undo a return or race a delete.
	inCall    bool
	delay     time.Duration // of a return
	copy      *Copy         // for the quarantine queue
	tries     int           // failures in a row of the call that settles the message
	notBefore time.Time     // earliest next try
	dueAt     time.Time     // when it stops waiting for others to share a call
}

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
func (l *Lease) latest() time.Time { return l.receivedAt.Add(maxLease - leaseMargin) }

// returnTimeout returns the visibility timeout that makes the message visible after
// its delay, in whole seconds, rounded up.
func (l *Lease) returnTimeout(now time.Time) int32 {
	delay := min(l.delay, maxLease) + time.Second - 1
	return max(0, seconds(min(delay, l.latest().Sub(now))))
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
