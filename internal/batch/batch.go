// Package batch collects items from many goroutines into calls of a few items each. Each
// goroutine gets the result of its own item.
package batch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how items are collected and sent. All fields are required.
type Config[T any] struct {
	// MaxItems and MaxSize limit the items of one call. An item that is larger than
	// MaxSize gets a call of its own.
	MaxItems, MaxSize int
	// Size returns the size of an item, in the unit of MaxSize.
	Size func(T) int
	// MaxCalls is how many calls run at once. With 1, calls keep the order of items.
	MaxCalls int
	// Linger is how long an item waits for others while calls are running. If none is
	// running, it does not wait.
	Linger time.Duration
	// Timeout limits one call.
	Timeout time.Duration
	// Send sends items, and returns an error or nil for each. Its context ends at the
	// timeout, and when no goroutine waits for the items any more.
	Send func(context.Context, []T) []error
}

// A Batcher sends items in batches.
type Batcher[T any] struct {
	cfg     Config[T]
	sending sync.WaitGroup // calls

	mu    sync.Mutex
	open  *batch[T]   // takes further items; nil if there is none
	ready []*batch[T] // waiting for a call to end
	calls int         // running
}

// An item waits to be sent.
type item[T any] struct {
	ctx    context.Context // of the goroutine that waits for it
	value  T
	result chan error // with room for one
}

// A batch is the items of one call.
type batch[T any] struct {
	items   []*item[T]
	size    int
	timer   *time.Timer // fires when the batch must not wait for more items
	overdue bool        // the timer has fired
}

// New returns a Batcher without items.
func New[T any](cfg Config[T]) *Batcher[T] { return &Batcher[T]{cfg: cfg} }

// Do sends one item together with others, and returns its result, or the cause of ctx when
// that ends first. In that case the item may have been sent.
func (b *Batcher[T]) Do(ctx context.Context, value T) error {
	it := &item[T]{ctx: ctx, value: value, result: make(chan error, 1)}
	b.add(it)
	var err error
	select {
	case err = <-it.result:
	case <-ctx.Done():
		select {
		case err = <-it.result: // at the same time: a success counts
		default:
			err = ctx.Err()
		}
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx) // the call has ended because nobody waited for it
	}
	return err
}

// Close waits until no call is running. Do must not be called after Close.
func (b *Batcher[T]) Close() { b.sending.Wait() }

// add puts an item into the open batch. The batch is sent when it is full, when it has
// waited for Linger, or when no call is running. So batches fill up under load, and an item
// is sent at once when there is none. While MaxCalls are running, the open batch keeps
// taking items.
func (b *Batcher[T]) add(it *item[T]) {
	size := b.cfg.Size(it.value)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open != nil && b.open.size+size > b.cfg.MaxSize {
		b.flush()
	}
	if b.open == nil {
		b.open = b.newBatch()
	}
	b.open.items = append(b.open.items, it)
	b.open.size += size
	if b.calls == 0 || len(b.open.items) == b.cfg.MaxItems {
		b.flush()
	}
}

// newBatch returns an empty batch, which is flushed after Linger.
func (b *Batcher[T]) newBatch() *batch[T] {
	next := &batch[T]{}
	next.timer = time.AfterFunc(b.cfg.Linger, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		next.overdue = true
		if b.open == next && b.calls < b.cfg.MaxCalls {
			b.flush()
		}
	})
	return next
}

// flush closes the open batch, which is sent as soon as a call may be made. b.mu is held.
func (b *Batcher[T]) flush() {
	b.open.timer.Stop()
	b.ready = append(b.ready, b.open)
	b.open = nil
	b.startCalls()
}

// startCalls sends the batches that are ready, up to MaxCalls at once. b.mu is held.
func (b *Batcher[T]) startCalls() {
	for len(b.ready) > 0 && b.calls < b.cfg.MaxCalls {
		next := b.ready[0]
		b.ready = b.ready[1:]
		b.calls++
		b.sending.Go(func() {
			b.send(next)
			b.callEnded()
		})
	}
}

// callEnded starts the next call. It first closes the open batch, if that need not wait for
// more items.
func (b *Batcher[T]) callEnded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls--
	b.startCalls()
	if b.open != nil && (b.calls == 0 || b.open.overdue && b.calls < b.cfg.MaxCalls) {
		b.flush()
	}
}

// errNoResult is the result of an item that Send returned none for.
var errNoResult = errors.New("batch: no result for the item")

// send sends the items that a goroutine still waits for, and reports their results.
func (b *Batcher[T]) send(next *batch[T]) {
	ctx, cancel := context.WithTimeout(context.Background(), b.cfg.Timeout)
	defer cancel()
	var waiting atomic.Int64
	var items []*item[T]
	var values []T
	for _, it := range next.items {
		if it.ctx.Err() == nil {
			items, values = append(items, it), append(values, it.value)
		}
	}
	if len(items) == 0 {
		return
	}
	waiting.Store(int64(len(items)))
	for _, it := range items {
		defer context.AfterFunc(it.ctx, func() {
			if waiting.Add(-1) == 0 {
				cancel()
			}
		})()
	}
	results := b.cfg.Send(ctx, values)
	for i, it := range items {
		if i < len(results) {
			it.result <- results[i]
		} else {
			it.result <- errNoResult
		}
	}
}
