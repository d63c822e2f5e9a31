// Package inflight limits the messages that a consumer has received and not settled.
//
// A [Budget] has a fixed number of slots, one for each message that may be handled at
// once. Nothing is received without a slot, so no message waits here while another
// process could handle it. Each message has a [Token], which occupies a slot until the
// message's handler is done, except while the token is parked. Messages without a slot
// are limited too, since their bodies and receipt handles fill memory.
package inflight

import (
	"context"
	"sync"
	"time"
)

const (
	// batchWait is how long Take waits for more slots if fewer are free than its caller
	// can use. Under load, slots become free all the time, and a receive costs the same
	// for one message as for ten.
	batchWait = 10 * time.Millisecond

	minParked    = 100  // lower bound of Budget.maxParked
	minUnsettled = 1000 // lower bound of Budget.maxUnsettled
)

// A Budget limits the number of messages in flight. Its methods are safe for concurrent
// use.
type Budget struct {
	size         int
	maxParked    int
	maxUnsettled int
	taking       chan struct{} // a semaphore: callers of Take are served one at a time

	mu        sync.Mutex
	free      int           // slots; briefly below 0 when a message is resumed
	unsettled int           // messages without a slot that are not settled
	parked    int           // those of unsettled whose handler has not begun
	want      int           // slots that Take waits for; 0 if it does not wait
	ready     chan struct{} // has an element when Take must check again
}

// New returns a budget with size slots. Besides, up to size messages may be parked, or
// 100 if that is more. Take waits while 10*size messages have no slot, or 1000 if that
// is more.
func New(size int) *Budget {
	return &Budget{
		size:         size,
		maxParked:    max(size, minParked),
		maxUnsettled: max(10*size, minUnsettled),
		taking:       make(chan struct{}, 1),
		free:         size,
		ready:        make(chan struct{}, 1),
	}
}

// Take waits for a free slot and returns tokens for as many as are free, at most
// limit. It returns none if ctx ends first.
func (b *Budget) Take(ctx context.Context, limit int) []*Token {
	select {
	case b.taking <- struct{}{}:
		defer func() { <-b.taking }()
	case <-ctx.Done():
		return nil
	}
	for ctx.Err() == nil && b.await(ctx, 1) {
		b.awaitBatch(ctx, limit)
		if tokens := b.tryTake(ctx, limit); len(tokens) > 0 {
			return tokens
		}
	}
	return nil
}

// Spare reports whether Take would return a token at once.
func (b *Budget) Spare() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.free > 0 && b.unsettled < b.maxUnsettled
}

func (b *Budget) tryTake(ctx context.Context, limit int) []*Token {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx.Err() != nil {
		return nil
	}
	n := max(0, min(b.free, limit))
	b.free -= n
	array := make([]Token, n)
	tokens := make([]*Token, n)
	for i := range tokens {
		array[i].budget = b
		tokens[i] = &array[i]
	}
	return tokens
}

// awaitBatch waits at most batchWait for as many slots as one receive can use.
func (b *Budget) awaitBatch(ctx context.Context, limit int) {
	n := min(b.size, limit)
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

// have reports whether n slots are free. If not, ready gets an element when they are.
func (b *Budget) have(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.free >= n && b.unsettled < b.maxUnsettled {
		b.want = 0
		return true
	}
	b.want = n
	return false
}

// change adds to the counts, and wakes Take if it can continue. b.mu must be held.
func (b *Budget) change(free, unsettled int) {
	b.free += free
	b.unsettled += unsettled
	if b.want == 0 || b.free < b.want || b.unsettled >= b.maxUnsettled {
		return
	}
	b.want = 0
	select {
	case b.ready <- struct{}{}:
	default: // Take has not read the last one yet
	}
}
