package console

import (
	"context"
	"sync"
	"time"
)

// A latest fetches a value in the background and holds the latest one.
type latest[T any] struct {
	mu       sync.Mutex
	value    T
	due      time.Time // when the next fetch may begin
	fetching bool
	running  sync.WaitGroup
}

func (l *latest[T]) get() T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value
}

// update starts a fetch, unless one is running or the last began less than an interval ago. It
// does not wait for the value.
func (l *latest[T]) update(ctx context.Context, interval time.Duration, fetch func(context.Context) T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.fetching || now.Before(l.due) {
		return
	}
	l.fetching, l.due = true, now.Add(interval)
	l.running.Go(func() {
		value := fetch(ctx)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.value, l.fetching = value, false
	})
}

func (l *latest[T]) wait() { l.running.Wait() }
