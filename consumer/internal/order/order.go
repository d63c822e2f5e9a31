// Package order starts items that share a key one at a time: the messages of one group
// of a FIFO queue, or of one call.
package order

import (
	"slices"
	"sync"
	"time"
)

// A Line holds the items that wait for another item of the same key. Items without a key
// don't wait. The zero Line is empty and ready to use. Its methods are safe for
// concurrent use.
type Line[T any] struct {
	mu      sync.Mutex
	waiting map[string][]entry[T] // by key; an entry exists, maybe empty, while an item of the key runs
}

type entry[T any] struct {
	item T
	at   time.Time
}

// Start reports whether no item of the key runs, and if so marks one as running.
func (l *Line[T]) Start(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, started := l.waiting[key]; started {
		return false
	}
	l.start(key)
	return true
}

// start marks an item of the key as running. l.mu must be held.
func (l *Line[T]) start(key string) {
	if l.waiting == nil {
		l.waiting = make(map[string][]entry[T])
	}
	l.waiting[key] = nil
}

// Enter reports whether the item may start now. Otherwise it waits until Next returns
// it. Waiting items are ordered by time, and items of equal time, such as zero, by
// arrival.
func (l *Line[T]) Enter(key string, at time.Time, item T) bool {
	if key == "" {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting, started := l.waiting[key]
	if !started {
		l.start(key)
		return true
	}
	i := len(waiting)
	for i > 0 && at.Before(waiting[i-1].at) {
		i--
	}
	l.waiting[key] = slices.Insert(waiting, i, entry[T]{item, at})
	return false
}

// Next must be called when the running item of a key has finished. It returns the item
// that may start now, or false if none waits.
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
	item = waiting[0].item
	waiting[0] = entry[T]{} // else the slice keeps the item alive
	l.waiting[key] = waiting[1:]
	return item, true
}

// Clear is called instead of Next when no waiting item may start. It removes them and
// returns them in order.
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

// Drain removes and returns all waiting items, those of a key in order. The running items
// stay.
func (l *Line[T]) Drain() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	var items []T
	for key, waiting := range l.waiting {
		for i := range waiting {
			items = append(items, waiting[i].item)
		}
		l.waiting[key] = nil
	}
	return items
}
