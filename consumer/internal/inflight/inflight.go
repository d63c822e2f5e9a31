// Package inflight limits the messages that a consumer has received and not settled.
//
// A [Budget] has a number of slots, one for each message that may be handled at
// once. Nothing is received without a slot, so no message waits here while another
// process could handle it. Each message has a [Token], which occupies its slot until the
// message's handler is done, except while the message is held: it waits for another
// message or for something that its handler depends on. Messages without a slot are
// limited too, since their bodies and receipt handles fill memory.
package inflight

import (
	"context"
	"math"
	"sync"
	"time"
)

const (
	// batchWait is how long Take waits for more slots if fewer are free than its caller
	// can use. Under load, slots become free all the time, and a receive costs the same
	// for one message as for ten.
	batchWait = 10 * time.Millisecond

	// blockedWait is how long Take waits before it asks again whether receiving is
	// blocked.
	blockedWait = time.Second

	minUnsettled = 1000 // least value of Budget.maxUnsettled
)

// Config configures a Budget. Every field is required.
type Config struct {
	Slots        int // see SetSlots
	MaxHeld      int // messages
	MaxHeldBytes int // of their bodies
	// Blocked reports whether a message would have to be held. Take asks only while not
	// all messages that it may take could be held.
	Blocked func() bool
}

// A Budget limits the number of messages in flight. Its methods are safe for concurrent
// use.
type Budget struct {
	cfg    Config
	taking chan struct{} // a semaphore: callers of Take are served one at a time

	mu        sync.Mutex
	slots     int
	free      int           // slots; below 0 while more messages were resumed than slots were free
	unsettled int           // messages whose handler is done and that are not settled
	held      int           // messages
	heldBytes int           // of their bodies
	want      int           // slots that Take waits for; 0 if it does not wait
	ready     chan struct{} // has an element when Take must check again
}

// New returns a budget whose slots are all free. Take waits while the handlers of 10 times
// as many messages as there are slots, or of 1000 if that is more, are done and the
// messages are not settled.
func New(cfg Config) *Budget {
	return &Budget{
		cfg:    cfg,
		taking: make(chan struct{}, 1),
		slots:  cfg.Slots,
		free:   cfg.Slots,
		ready:  make(chan struct{}, 1),
	}
}

// SetSlots changes the number of slots. If it is less than are occupied, none is taken
// until that many are free again.
func (b *Budget) SetSlots(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n - b.slots
	b.slots = n
	b.wake()
}

// Slots returns the number of slots.
func (b *Budget) Slots() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.slots
}

// maxUnsettled returns the upper bound of unsettled. b.mu must be held.
func (b *Budget) maxUnsettled() int { return max(10*b.slots, minUnsettled) }

// Take waits for a free slot, takes as many as are free, at most limit, and returns how many
// these are: each is for a message. It takes none if ctx ends first.
func (b *Budget) Take(ctx context.Context, limit int) (taken int) {
	select {
	case b.taking <- struct{}{}:
		defer func() { <-b.taking }()
	case <-ctx.Done():
		return 0
	}
	for ctx.Err() == nil && b.await(ctx, 1) {
		n := limit
		if room := b.room(); room < limit && b.cfg.Blocked() {
			n = room // what is received must be held
		}
		if n <= 0 {
			b.awaitChange(ctx, blockedWait)
			continue
		}
		b.awaitBatch(ctx, n)
		if taken = b.tryTake(ctx, n); taken > 0 {
			return taken
		}
	}
	return 0
}

// GiveBack frees slots that were taken for messages which have not come.
func (b *Budget) GiveBack(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	b.wake()
}

// Spare reports whether Take would take a slot at once.
func (b *Budget) Spare() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.free > 0 && b.unsettled < b.maxUnsettled()
}

// Held returns how many messages are held, and the size of their bodies in bytes.
func (b *Budget) Held() (messages, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held, b.heldBytes
}

// room returns how many more messages can be received if all that occupy a slot must be
// held. Their bodies are taken to be as large as those of the held ones.
func (b *Budget) room() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	room := b.cfg.MaxHeld - b.held
	if b.heldBytes > 0 {
		room = min(room, int(float64(b.cfg.MaxHeldBytes-b.heldBytes)/float64(b.heldBytes)*float64(b.held)))
	}
	return room - (b.slots - b.free)
}

// full reports whether no further message can be held. b.mu must be held.
func (b *Budget) full() bool { return b.held >= b.cfg.MaxHeld || b.heldBytes >= b.cfg.MaxHeldBytes }

func (b *Budget) tryTake(ctx context.Context, limit int) (taken int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx.Err() != nil {
		return 0
	}
	taken = max(0, min(b.free, limit))
	b.free -= taken
	return taken
}

// awaitBatch waits at most batchWait for as many slots as one receive can use.
func (b *Budget) awaitBatch(ctx context.Context, limit int) {
	n := min(b.Slots(), limit)
	if b.have(n) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, batchWait)
	defer cancel()
	b.await(ctx, n)
}

// await waits until n slots are free. It returns false if ctx ends first.
func (b *Budget) await(ctx context.Context, n int) bool {
	for {
		if b.have(n) {
			return true
		}
		select {
		case <-b.ready:
		case <-ctx.Done():
			return false
		}
	}
}

// awaitChange waits until a held message is resumed or settled, at most for d.
func (b *Budget) awaitChange(ctx context.Context, d time.Duration) {
	b.mu.Lock()
	b.want = 1
	b.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-b.ready:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// have reports whether n slots are free. If not, ready gets an element when they are.
func (b *Budget) have(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.free >= n && b.unsettled < b.maxUnsettled() {
		b.want = 0
		return true
	}
	b.want = n
	return false
}

// wake wakes Take if it can continue. b.mu must be held.
func (b *Budget) wake() {
	if b.want == 0 || b.free < b.want || b.unsettled >= b.maxUnsettled() {
		return
	}
	b.want = 0
	select {
	case b.ready <- struct{}{}:
	default: // Take has not read the last one yet
	}
}

// A Token says what one message takes of a [Budget]. The zero Token is that of a message for
// which [Budget.Take] has taken a slot. It moves through these states:
//
//	handling -> held -> handling -> handled -> settled
//
// It may skip states, and may be held more than once. A call that does not fit the state
// does nothing, so each method of the Budget may be called more than once.
//
// There are thousands of Tokens while messages are held: the lowest two bits are the state, and
// the others the size of the held message's body. The budget's mutex guards it.
type Token uint32

func tokenOf(s state, bytes int) Token { return Token(s) | Token(min(bytes, maxBytes))<<2 }
func (t Token) state() state           { return state(t & 3) }
func (t Token) bytes() int             { return int(t >> 2) }

const maxBytes = math.MaxUint32 >> 2

type state uint8

const (
	handling state = iota // occupies a slot: its handler runs, or is about to
	held                  // waits without a slot
	handled               // its handler is done; it has no slot
	settled               // no longer counted
)

// Hold gives up the slot of a message that must wait, and whose body has that many bytes.
// If as many messages are held as may be, it returns false and the message keeps its slot.
func (b *Budget) Hold(t *Token, bytes int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.state() != handling || b.full() {
		return false
	}
	*t = tokenOf(held, bytes)
	b.held++
	b.heldBytes += t.bytes()
	b.free++
	b.wake()
	return true
}

// Resume takes a slot for a held message. It does not wait for a free one: what the
// message waited for has a limit of its own.
func (b *Budget) Resume(t *Token) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.state() == held {
		b.unhold(t, handling)
		b.free--
	}
}

// HandlerDone gives up the slot of a message whose handler is done, or is no longer
// needed. The message still counts as unsettled.
func (b *Budget) HandlerDone(t *Token) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handlerDone(t)
}

// Settled records that the message is settled, so that it no longer counts.
func (b *Budget) Settled(t *Token) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handlerDone(t)
	if t.state() == handled {
		*t = tokenOf(settled, 0)
		b.unsettled--
		b.wake()
	}
}

// handlerDone is HandlerDone with b.mu held.
func (b *Budget) handlerDone(t *Token) {
	switch t.state() {
	case handling:
		*t = tokenOf(handled, 0)
		b.free++
	case held:
		b.unhold(t, handled)
	default:
		return
	}
	b.unsettled++
	b.wake()
}

// unhold ends the hold of a message. b.mu must be held.
func (b *Budget) unhold(t *Token, to state) {
	b.held--
	b.heldBytes -= t.bytes()
	*t = tokenOf(to, 0)
	b.wake()
}
