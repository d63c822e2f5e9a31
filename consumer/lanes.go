package consumer

import (
	"slices"
	"sync"
)

// lanes keep messages that must not be handled concurrently in line: those of
// one group of a FIFO queue, or of one call. A message without a lane is in
// nobody's way.
//
// Who waits in a lane needs no worker, and so gives up its slot: a call with
// many events does not hold up the others.
type lanes struct {
	slots *slots

	mu      sync.Mutex
	waiting map[string][]*message // by lane; an empty one has a message at work
}

func newLanes(slots *slots) *lanes {
	return &lanes{slots: slots, waiting: make(map[string][]*message)}
}

// enter reports whether the message may start now. Otherwise it waits for
// those before it: all that were received earlier or, if they have times, those
// that happened earlier.
func (l *lanes) enter(m *message) bool {
	if m.lane == "" {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ahead, busy := l.waiting[m.lane]
	if !busy {
		l.waiting[m.lane] = nil
		return true
	}
	place := len(ahead)
	for place > 0 && m.laneTime.Before(ahead[place-1].laneTime) {
		place--
	}
	l.waiting[m.lane] = slices.Insert(ahead, place, m)
	m.aside = l.slots.setAside()
	return false
}

// next returns the message that may start now that m has finished, if any.
func (l *lanes) next(m *message) *message {
	if m.lane == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	behind := l.waiting[m.lane]
	if len(behind) == 0 {
		delete(l.waiting, m.lane)
		return nil
	}
	l.waiting[m.lane] = behind[1:]
	l.resume(behind[0])
	return behind[0]
}

// clear empties the lane of m, which is not to go on, and returns the messages
// that waited in it.
func (l *lanes) clear(m *message) []*message {
	if m.lane == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	behind := l.waiting[m.lane]
	delete(l.waiting, m.lane)
	for _, m := range behind {
		l.resume(m)
	}
	return behind
}

func (l *lanes) resume(m *message) {
	if m.aside {
		l.slots.resume()
	}
}
