// Package inflight bounds the messages that a consumer has received and not
// settled.
//
// A [Budget] has a fixed number of slots, one for each message that may be
// handled at once. Nothing is received without a slot, so no message waits here
// while another worker could have it. A message owns a [Token], which occupies a
// slot until its handler is done or while it is not parked. Messages without a
// slot are bounded too, since their bodies and receipt handles fill memory.
package inflight

import (
	"context"
	"sync"
	"time"
)

const (
	// batchWait is how long Take waits for as many slots as its caller can use
	// when there are fewer. Under load a slot becomes free every moment, and a
	// receive costs the same for one message as for ten.
	batchWait = 10 * time.Millisecond

	minParked    = 100  // lower bound of Budget.maxParked
	minUnsettled = 1000 // lower bound of Budget.maxUnsettled
)

// A Budget is the number of messages that may be in flight. Its methods are safe
// for concurrent use.
type Budget struct {
	size         int
	maxParked    int
	maxUnsettled int
	taking       chan struct{} // held by the caller of Take that is served next

	mu        sync.Mutex
	free      int           // slots; below 0 for a moment when a message is resumed
	unsettled int           // messages without a slot that are not settled
	parked    int           // of them, those whose handler has not begun
	want      int           // slots that Take waits for; 0 if it does not wait
	ready     chan struct{} // has an element once Take has to check again
}

// New returns a budget of size messages that are handled at once. Up to size
// more, but at least 100, may be parked. Ten times as many, but at least 1000,
// may have no slot in all, after which Take waits.
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

// awaitBatch waits a short time for as many slots as one receive can use.
func (b *Budget) awaitBatch(ctx context.Context, limit int) {
	n := min(b.size, limit)
	if b.have(n) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, batchWait)
	defer cancel()
	b.await(ctx, n)
}

// await waits until n slots are free, and reports whether they are. If ctx ends
// first, they are not.
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

// have reports whether n slots are free. If not, ready gets an element once they
// are.
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

// change is called with b.mu held.
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
