package console

import (
	"fmt"
	"sync"
)

// maxWatchers bounds what watchers can cost.
const maxWatchers = 16

var errTooMany = fmt.Errorf("%d consoles are open, which is the maximum; close one", maxWatchers)

// A broadcaster passes frames to watchers. It wakes them by closing a channel, and waits
// for none: a watcher that has missed a frame gets a whole one.
type broadcaster struct {
	arrived chan struct{} // receives when somebody starts to watch
	closed  chan struct{} // closed when there will be no more frames

	mu       sync.Mutex
	watchers int
	live     bool                   // there is a current frame
	number   uint64                 // of the current frame
	changed  chan struct{}          // closed when the next frame is there
	change   func() ([]byte, error) // the frame for watchers that have the one before
	whole    func() ([]byte, error) // the frame for the others
}

func newBroadcaster() *broadcaster {
	return &broadcaster{arrived: make(chan struct{}, 1), closed: make(chan struct{}), changed: make(chan struct{})}
}

// enter adds a watcher, which must call leave.
func (b *broadcaster) enter() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watchers == maxWatchers {
		return errTooMany
	}
	b.watchers++
	select {
	case b.arrived <- struct{}{}:
	default: // one is waiting already
	}
	return nil
}

func (b *broadcaster) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers--
}

// next returns the current frame for a watcher that has the frame of a number, or no frame
// if there is no newer one. Changed is closed when there is another frame.
func (b *broadcaster) next(have uint64) (frame []byte, number uint64, changed <-chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.live || have == b.number:
		return nil, have, b.changed, nil
	case have != 0 && have == b.number-1:
		frame, err = b.change()
	default:
		frame, err = b.whole()
	}
	return frame, b.number, b.changed, err
}

// publish makes the next frame of what build returns. It returns false if nobody watches.
// Build and what it returns are called one at a time.
func (b *broadcaster) publish(build func(number uint64) (change, whole func() ([]byte, error))) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live = b.watchers > 0; !b.live {
		b.change, b.whole = nil, nil
		return false
	}
	b.number++
	b.change, b.whole = build(b.number)
	close(b.changed)
	b.changed = make(chan struct{})
	return true
}
