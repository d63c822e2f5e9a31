package console

import (
	"fmt"
	"sync"
)

// maxWatchers is how many streams may be open at once.
const maxWatchers = 16

var errTooMany = fmt.Errorf("%d consoles are open, which is the maximum; close one", maxWatchers)

// A broadcaster passes frames to watchers. It wakes them by closing a channel, and does not
// wait for them: a watcher that has missed a frame gets a whole one.
type broadcaster struct {
	added  chan struct{} // receives after a watcher was added
	closed chan struct{} // closed after the last frame

	mu       sync.Mutex
	watchers int
	current  bool                   // there is a current frame
	number   uint64                 // of the current frame
	changed  chan struct{}          // closed when there is a newer frame
	change   func() ([]byte, error) // the frame for watchers that have the previous one
	whole    func() ([]byte, error) // the frame for the others
}

func newBroadcaster() *broadcaster {
	return &broadcaster{added: make(chan struct{}, 1), closed: make(chan struct{}), changed: make(chan struct{})}
}

// addWatcher adds a watcher. Unless it returns an error, removeWatcher must be called.
func (b *broadcaster) addWatcher() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watchers == maxWatchers {
		return errTooMany
	}
	b.watchers++
	select {
	case b.added <- struct{}{}:
	default: // Run has yet to receive the previous one
	}
	return nil
}

func (b *broadcaster) removeWatcher() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers--
}

// next returns the current frame for a watcher whose last frame has the number have, or no
// frame if there is no newer one. changed is closed when there is a newer frame.
func (b *broadcaster) next(have uint64) (frame []byte, number uint64, changed <-chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.current || have == b.number:
		return nil, have, b.changed, nil
	case have != 0 && have == b.number-1:
		frame, err = b.change()
	default:
		frame, err = b.whole()
	}
	return frame, b.number, b.changed, err
}

// publish replaces the current frame by the one that build makes. It returns false if there
// are no watchers. build and the functions that it returns are not called concurrently.
func (b *broadcaster) publish(build func(number uint64) (change, whole func() ([]byte, error))) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current = b.watchers > 0; !b.current {
		b.change, b.whole = nil, nil
		return false
	}
	b.number++
	b.change, b.whole = build(b.number)
	close(b.changed)
	b.changed = make(chan struct{})
	return true
}
