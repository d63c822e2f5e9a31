package once

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

const (
	// margin is what a lease lasts longer than the handler may take: it covers
	// the memory's own calls, and clocks that differ.
	margin = 10 * time.Second
	// unlimited is the lease of a handler without a time limit.
	unlimited = 12 * time.Hour
	// unnotedKeys bounds what a process remembers in the memory's place.
	unnotedKeys = 10_000
)

// A State is what is known of an event and a handler.
type State uint8

const (
	// StateNew: the caller has the lease now, and the handler is to be called.
	StateNew State = iota
	// StateInProgress: another caller has the lease.
	StateInProgress
	// StateDone: the handler has succeeded.
	StateDone
)

// A Memory remembers what is done. It is safe for concurrent use, and gives a key
// that is new to exactly one of those who ask at once. It limits the time that it
// takes: Complete and Release get contexts that do not end.
type Memory interface {
	// Begin takes the key for as long as the lease, unless it is done or taken.
	// Of a key that is taken it returns until when. owner is another text with
	// each call.
	Begin(ctx context.Context, key, owner string, lease time.Duration) (s State, until time.Time, err error)
	// Complete notes that the key is done, whoever has taken it by now: the
	// effect has happened.
	Complete(ctx context.Context, key string) error
	// Release gives the key back, if owner has it.
	Release(ctx context.Context, key, owner string) error
}

// An Unreachable is what becomes of events while the memory can't be reached.
type Unreachable uint8

const (
	// Wait fails them, with the memory's error as the cause.
	Wait Unreachable = iota
	// AtLeastOnce handles them, perhaps again.
	AtLeastOnce
)

// Options are for New. The zero value is ready to use.
type Options struct {
	Unreachable Unreachable
	// Logger is told when the memory can't be reached, and when it can again.
	// Nil means silence.
	Logger *zap.Logger
}

// New returns a middleware that calls the handler which it wraps once for each
// event. name tells this handler's part of the memory from that of others, so it
// must stay what it is.
func New(name string, m Memory, o Options) events.Middleware {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return func(next events.Handler) events.Handler {
		return &handler{next: next, name: name, memory: m, options: o, unnoted: newMemory(unnotedKeys, DefaultWindow)}
	}
}

type handler struct {
	next    events.Handler
	name    string
	memory  Memory
	options Options
	failing atomic.Bool // the memory
	unnoted *memory     // what is done, but the memory could not be told
}

// HandleEvent calls the wrapped handler if the event is new to it.
func (h *handler) HandleEvent(ctx context.Context, e *events.Event) error {
	key, owner := h.name+"#"+e.DeliveryKey(), rand.Text()
	state, until, err := h.begin(ctx, key, owner)
	switch {
	case err != nil && h.options.Unreachable == AtLeastOnce:
		err := h.next.HandleEvent(ctx, e)
		if isDone(err) {
			h.unnoted.Complete(ctx, key)
		}
		return err
	case err != nil:
		return fmt.Errorf("memory of what is done: %w", err)
	case state == StateDone:
		return events.ErrDuplicate
	case state == StateInProgress:
		return events.RetryAfter(time.Until(until), nil)
	}
	return h.handle(ctx, e, key, owner)
}

func (h *handler) begin(ctx context.Context, key, owner string) (State, time.Time, error) {
	if h.unnoted.knows(key) {
		return StateDone, time.Time{}, nil
	}
	lease := unlimited
	if deadline, ok := ctx.Deadline(); ok {
		lease = time.Until(deadline) + margin
	}
	state, until, err := h.memory.Begin(ctx, key, owner, lease)
	h.tell(err)
	return state, until, err
}

// handle calls the wrapped handler and notes what came of it. That no handler
// was there for the event, or that the handler knows it, is as good as done.
func (h *handler) handle(ctx context.Context, e *events.Event, key, owner string) error {
	var err error
	returned := false
	defer func() { // also when it panics
		ctx := context.WithoutCancel(ctx)
		if returned && isDone(err) {
			h.complete(ctx, key)
			return
		}
		h.tell(h.memory.Release(ctx, key, owner)) // or the lease runs out
	}()
	err = h.next.HandleEvent(ctx, e)
	returned = true
	return err
}

// complete notes that the effect has happened, which no trouble with the memory can
// change.
func (h *handler) complete(ctx context.Context, key string) {
	err := h.memory.Complete(ctx, key)
	h.tell(err)
	if err != nil {
		h.unnoted.Complete(ctx, key)
	}
}

func isDone(err error) bool {
	return err == nil || err == events.ErrNoHandler || err == events.ErrDuplicate
}

// tell logs when the memory stops working, and when it works again.
func (h *handler) tell(err error) {
	switch {
	case err == nil && h.failing.Load() && h.failing.CompareAndSwap(true, false):
		h.options.Logger.Info("memory of what is done works again", zap.String("handler", h.name))
	case err != nil && h.failing.CompareAndSwap(false, true):
		h.options.Logger.Warn("memory of what is done can't be reached", zap.String("handler", h.name), zap.Error(err))
	}
}
