package once

import (
	"sync"
	"time"
)

type digest = [32]byte

// A localStore holds the events of one handler in this process: leases, and a ring
// of the newest events that are done.
//
// It is not a library's LRU, because 100,000 events must be cheap: it has no pointers for
// the garbage collector to follow, and takes 125 bytes per event, where golang-lru takes
// 190. Besides, golang-lru's expirable cache has a goroutine that can't be stopped.
type localStore struct {
	started time.Time // times are counted from here, so that a change of the clock has no effect
	size    int

	mu     sync.Mutex
	leases map[digest]lease
	slots  map[digest]int32 // of done
	done   []doneEvent      // a ring; the oldest is at next once it is full
	next   int
}

type lease struct {
	owner uint64
	ends  time.Duration
}

type doneEvent struct {
	delivery digest
	ends     time.Duration // when it counts as new again
}

func newLocalStore(size int) *localStore {
	return &localStore{started: time.Now(), size: size, leases: make(map[digest]lease), slots: make(map[digest]int32)}
}

// begin is [Store].Begin.
func (l *localStore) begin(delivery digest, owner uint64, duration time.Duration) Claim {
	now := time.Since(l.started)
	l.mu.Lock()
	defer l.mu.Unlock()
	if slot, ok := l.slots[delivery]; ok && now < l.done[slot].ends {
		return Claim{State: Done}
	}
	if current, ok := l.leases[delivery]; ok && current.owner != owner && now < current.ends {
		return Claim{State: InProgress, Wait: current.ends - now}
	}
	l.leases[delivery] = lease{owner, now + duration}
	return Claim{State: Begun}
}

// finish is [Store].Done. The oldest event makes room for the new one.
func (l *localStore) finish(delivery digest, keep time.Duration) {
	e := doneEvent{delivery, time.Since(l.started) + keep}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.leases, delivery)
	if slot, ok := l.slots[delivery]; ok {
		l.done[slot] = e
		return
	}
	if len(l.done) < l.size {
		l.slots[delivery] = int32(len(l.done))
		l.done = append(l.done, e)
		return
	}
	delete(l.slots, l.done[l.next].delivery)
	l.slots[delivery] = int32(l.next)
	l.done[l.next] = e
	l.next = (l.next + 1) % l.size
}

// release is [Store].Release.
func (l *localStore) release(delivery digest, owner uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leases[delivery].owner == owner {
		delete(l.leases, delivery)
	}
}
