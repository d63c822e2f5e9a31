package consumer

import (
	"context"
	"sync"
	"time"

	"wildix-worker/internal/sqscall"
)

// gatherTime is how long a poll is held back for more slots when there are
// fewer than it could use: under load a slot comes free every moment, and a
// receive costs the same for one message as for ten.
const gatherTime = 10 * time.Millisecond

// slots is the budget of messages in flight that everything is built around:
// nothing is received without a slot, so nothing waits here while another
// worker could have it. A slot is taken before the receive and given back when
// the handler has finished, or while the message waits for another one. Messages
// in hand without a slot are counted too, so that a queue which gives out but
// takes no deletes can't fill memory.
type slots struct {
	size   int
	gather chan struct{} // held by the one poller that takes slots

	mu      sync.Mutex
	free    int // less than 0 for a moment when a message resumes
	owed    int // messages in hand without a slot
	maxOwed int
	aside   int           // of them, those whose handler has not begun
	want    int           // free slots that the taker waits for; 0 without one
	ready   chan struct{} // tells the taker to look again
}

func newSlots(n int) *slots {
	return &slots{
		size:    n,
		gather:  make(chan struct{}, 1),
		free:    n,
		maxOwed: max(10*n, 100*sqscall.MaxBatch),
		ready:   make(chan struct{}, 1),
	}
}

// take waits for a free slot and takes up to limit. It returns 0 when ctx ends.
func (s *slots) take(ctx context.Context, limit int) int {
	select {
	case s.gather <- struct{}{}:
		defer func() { <-s.gather }()
	case <-ctx.Done():
		return 0
	}
	for ctx.Err() == nil && s.await(ctx, 1) {
		s.awaitBatch(ctx, limit)
		if n := s.tryTake(ctx, limit); n > 0 {
			return n
		}
	}
	return 0
}

func (s *slots) tryTake(ctx context.Context, limit int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return 0
	}
	n := max(0, min(s.free, limit))
	s.free -= n
	return n
}

// awaitBatch waits for as many slots as one receive can use, but not for long.
func (s *slots) awaitBatch(ctx context.Context, limit int) {
	n := min(s.size, limit)
	if s.have(n) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, gatherTime)
	defer cancel()
	s.await(ctx, n)
}

// await reports whether n slots are free, waiting until they are or ctx ends.
func (s *slots) await(ctx context.Context, n int) bool {
	for {
		if s.have(n) {
			return true
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return false
		}
	}
}

func (s *slots) have(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free >= n && s.owed < s.maxOwed {
		s.want = 0
		return true
	}
	s.want = n
	return false
}

// putBack returns slots that were not used.
func (s *slots) putBack(n int) { s.change(n, 0) }

// finished returns the slot of a message that is still in hand.
func (s *slots) finished() { s.change(1, 1) }

// setAside returns the slot of a message that can't be handled yet, and reports
// whether it did: there are not many at once, since their bodies fill memory.
func (s *slots) setAside() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aside >= max(s.size, 10*sqscall.MaxBatch) {
		return false
	}
	s.aside++
	s.changeLocked(1, 1)
	return true
}

// resume takes a slot for a message that was set aside. It does not wait for
// one, since a worker is there already.
func (s *slots) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aside--
	s.changeLocked(-1, -1)
}

// settled takes note that a finished message needs nothing more.
func (s *slots) settled() { s.change(0, -1) }

func (s *slots) change(free, owed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changeLocked(free, owed)
}

func (s *slots) changeLocked(free, owed int) {
	s.free += free
	s.owed += owed
	if s.want > 0 && s.free >= s.want && s.owed < s.maxOwed {
		s.want = 0
		signal(s.ready)
	}
}

// spare reports whether another poll would find slots.
func (s *slots) spare() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free > 0 && s.owed < s.maxOwed
}

// signal wakes the one receiver of a channel with room for one, which looks at
// everything again when it is woken.
func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
