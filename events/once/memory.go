package once

import (
	"context"
	"encoding/hex"
	"time"

	"wildix-worker/events"
)

// A Store is shared by processes that handle the same events. Its methods are
// called for many events at once. An error means that it is not known whether
// the call had its effect.
type Store interface {
	// Begin claims the event for the owner if it is new: neither done nor
	// leased to another owner. A call that is repeated with the same owner has
	// the same answer.
	Begin(ctx context.Context, key Key, owner uint64, lease time.Duration) (Answer, error)
	// Done remembers that the event has had its effect, for so long at least.
	// It does not matter who has the lease: it is true whoever says it.
	Done(ctx context.Context, key Key, keep time.Duration) error
	// Release gives back the lease, if the owner still has it.
	Release(ctx context.Context, key Key, owner uint64) error
}

// A Key is an event as one handler sees it.
type Key struct {
	Handler  string
	Delivery [32]byte // of the event's DeliveryKey
}

func keyOf(handler string, e *events.Event) Key {
	key := Key{Handler: handler}
	if n, err := hex.Decode(key.Delivery[:], []byte(e.DeliveryKey())); err != nil || n != len(key.Delivery) {
		panic("once: a delivery key is not a SHA-256")
	}
	return key
}

// String returns the handler's name, a # and the event's DeliveryKey.
func (k Key) String() string { return k.Handler + "#" + hex.EncodeToString(k.Delivery[:]) }

// An Answer is what a memory knows of an event.
type Answer struct {
	State State
	// Wait is after what time the lease ends by itself, if the event is InProgress.
	Wait time.Duration
}

// A State is how far an event has got with a handler.
type State uint8

const (
	// InProgress: another owner has a lease. It is the zero State, since what
	// was forgotten must neither be handled nor pass for done.
	InProgress State = iota
	// Begun: the event was new, and the caller has the lease now.
	Begun
	// Done: the event has had its effect.
	Done
)
