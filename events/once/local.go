package once

import (
	"sync"
	"time"
)

type digest = [32]byte

// local is what this process remembers of one handler's events. It has no
// pointers for the garbage collector to follow.
type local struct {
	started time.Time // times are counted from here, whatever is done to the clock
	size    int

	mu      sync.Mutex
	running map[digest]claim
	slots   map[digest]int32 // of what is done
	done    []effect         // a ring, the oldest at next once it is full
	next    int
}

// A claim is a lease and who has it.
type claim struct {
	owner uint64
	ends  time.Duration
}

// An effect is an event that is done, and until when that matters.
type effect struct {
	delivery digest
	ends     time.Duration
}

func newLocal(size int) *local {
	return &local{started: time.Now(), size: size, running: make(map[digest]claim), slots: make(map[digest]int32)}
}

// begin is what [Store].Begin is.
func (l *local) begin(delivery digest, owner uint64, lease time.Duration) Answer {
	now := time.Since(l.started)
	l.mu.Lock()
	defer l.mu.Unlock()
	if slot, ok := l.slots[delivery]; ok && now < l.done[slot].ends {
		return Answer{State: Done}
	}
	if c, ok := l.running[delivery]; ok && c.owner != owner && now < c.ends {
		return Answer{State: InProgress, Wait: c.ends - now}
	}
	l.running[delivery] = claim{owner, now + lease}
	return Answer{State: Begun}
}

// finish is what [Store].Done is. The oldest effect makes room.
func (l *local) finish(delivery digest, keep time.Duration) {
	e := effect{delivery, time.Since(l.started) + keep}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running, delivery)
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

// release is what [Store].Release is.
func (l *local) release(delivery digest, owner uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running[delivery].owner == owner {
		delete(l.running, delivery)
	}
}
