package once

import (
	"sync"
	"time"

	"wildix-worker/internal/newest"
)

// A localStore holds the events of one handler in this process: leases, and the newest events
// that are done. It knows an event by a hash of its body that costs a fraction of SHA-256.
type localStore struct {
	started time.Time // times are counted from here, so that a change of the clock has no effect

	mu     sync.Mutex
	leases map[newest.Key]lease
	done   *newest.Set
}

type lease struct {
	owner uint64
	ends  time.Duration
}

func newLocalStore(size int) *localStore {
	return &localStore{started: time.Now(), leases: make(map[newest.Key]lease), done: newest.New(size)}
}

// begin is [Store].Begin.
func (l *localStore) begin(event newest.Key, owner uint64, duration time.Duration) Claim {
	now := time.Since(l.started)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done.Has(event) {
		return Claim{State: Done}
	}
	if current, ok := l.leases[event]; ok && current.owner != owner && now < current.ends {
		return Claim{State: InProgress, Wait: current.ends - now}
	}
	l.leases[event] = lease{owner, now + duration}
	return Claim{State: Begun}
}

// finish is [Store].Done. The oldest event makes room for the new one.
func (l *localStore) finish(event newest.Key, keep time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.leases, event)
	l.done.Add(event, keep)
}

// release is [Store].Release.
func (l *localStore) release(event newest.Key, owner uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leases[event].owner == owner {
		delete(l.leases, event)
	}
}
