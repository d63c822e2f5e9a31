package once

import (
	"context"
	"sync"
	"time"
)

// What zeros stand for in InMemory.
const (
	DefaultKeys   = 50_000
	DefaultWindow = time.Hour
)

// InMemory returns a memory of this process. It keeps the newest keys, at least
// half as many as given, for at least half the window; zeros stand for DefaultKeys
// and DefaultWindow. A key takes about 200 bytes.
func InMemory(keys int, window time.Duration) Memory {
	if keys <= 0 {
		keys = DefaultKeys
	}
	if window <= 0 {
		window = DefaultWindow
	}
	return newMemory(keys, window)
}

func newMemory(keys int, window time.Duration) *memory {
	return &memory{
		most: (keys + 1) / 2, lasts: window / 2,
		running: make(map[string]claim), young: make(map[string]struct{}), since: time.Now(),
	}
}

// memory has what is done in two generations, the older of which is dropped as a
// whole: this needs no order, and no goroutine.
type memory struct {
	most  int           // keys of a generation
	lasts time.Duration // how long a generation is the young one

	mu         sync.Mutex
	running    map[string]claim
	young, old map[string]struct{} // done
	since      time.Time           // the young one's first day
}

type claim struct {
	owner string
	until time.Time
}

func (m *memory) Begin(_ context.Context, key, owner string, lease time.Duration) (State, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.age(now)
	if m.isDone(key) {
		return StateDone, time.Time{}, nil
	}
	if c, taken := m.running[key]; taken && now.Before(c.until) {
		return StateInProgress, c.until, nil
	}
	m.running[key] = claim{owner, now.Add(lease)}
	return StateNew, time.Time{}, nil
}

func (m *memory) Complete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.running, key)
	m.young[key] = struct{}{}
	m.age(time.Now())
	return nil
}

func (m *memory) Release(_ context.Context, key, owner string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running[key].owner == owner {
		delete(m.running, key)
	}
	return nil
}

func (m *memory) knows(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.age(time.Now())
	return m.isDone(key)
}

func (m *memory) isDone(key string) bool {
	if _, done := m.young[key]; done {
		return true
	}
	_, done := m.old[key]
	return done
}

// age begins a new generation when the young one is full or has had its time.
func (m *memory) age(now time.Time) {
	if len(m.young) < m.most && now.Sub(m.since) < m.lasts {
		return
	}
	if now.Sub(m.since) >= 2*m.lasts { // nobody came for so long
		clear(m.young)
	}
	m.old, m.young, m.since = m.young, make(map[string]struct{}), now
}
