package once

import (
	"context"
	"encoding/hex"
	"time"

	"wildix-worker/events"
)

// A Store is shared by processes that handle the same events. Its methods must be
// safe for concurrent use. After an error it is unknown whether the call had its
// effect.
type Store interface {
	// Begin claims the event for the owner if it is new: neither done nor leased to
	// another owner. Repeated with the same owner, it has the same result.
	Begin(ctx context.Context, key Key, owner uint64, lease time.Duration) (Claim, error)
	// Done records that the event has had its effect, for at least as long as keep.
	// It succeeds whichever owner has the lease.
	Done(ctx context.Context, key Key, keep time.Duration) error
	// Release ends the lease if the owner still has it.
	Release(ctx context.Context, key Key, owner uint64) error
}

// A Key identifies an event for one handler.
type Key struct {
	Handler  string
	Delivery [32]byte // the event's DeliveryKey, decoded
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

// A Claim is the result of [Store].Begin.
type Claim struct {
	State State
	// Wait is the time until the other owner's lease ends, if State is InProgress.
	Wait time.Duration
}

// A State is the state of an event for one handler.
type State uint8

const (
	// InProgress: another owner has a lease. It is the zero State, so that an event
	// with a missing state is neither handled nor counts as done.
	InProgress State = iota
	// Begun: the event was new, and the caller has the lease now.
	Begun
	// Done: the event has had its effect.
	Done
)
