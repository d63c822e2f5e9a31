// Package order lets items that share a key through one at a time: the messages
// of one group of a FIFO queue, or of one call.
package order

import (
	"slices"
	"sync"
	"time"
)

// A Line holds the items that wait for another one of their key. Items without a
// key don't wait. The zero Line is empty and ready to use. Its methods are safe
// for concurrent use.
type Line[T any] struct {
	mu      sync.Mutex
	waiting map[string][]entry[T] // by key; one that is present but empty has an item that started
}

type entry[T any] struct {
	item T
	at   time.Time
}

// Enter reports whether the item may start now. Otherwise it waits until Next
// returns it: after all that entered before it or, if they have times, after
// those that wait with a time that is not later.
func (l *Line[T]) Enter(key string, at time.Time, item T) bool {
	if key == "" {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting, started := l.waiting[key]
	if !started {
		if l.waiting == nil {
			l.waiting = make(map[string][]entry[T])
		}
		l.waiting[key] = nil
		return true
	}
	i := len(waiting)
	for i > 0 && at.Before(waiting[i-1].at) {
		i--
	}
	l.waiting[key] = slices.Insert(waiting, i, entry[T]{item, at})
	return false
}

// Next is called when the item of a key that started has finished. It returns the
// one that may start now, and false if none waits.
func (l *Line[T]) Next(key string) (item T, ok bool) {
	if key == "" {
		return item, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.waiting[key]
	if len(waiting) == 0 {
		delete(l.waiting, key)
		return item, false
	}
	l.waiting[key] = waiting[1:]
	return waiting[0].item, true
}

// Clear is called instead of Next when none of those that wait may start. It
// returns them in their order.
func (l *Line[T]) Clear(key string) []T {
	if key == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.waiting[key]
	delete(l.waiting, key)
	items := make([]T, len(waiting))
	for i := range waiting {
		items[i] = waiting[i].item
	}
	return items
}
