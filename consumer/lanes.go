package consumer

import "sync"

// lanes keeps the messages of one group in order, one at a time. A message
// without a group is in nobody's way.
type lanes struct {
	mu      sync.Mutex
	waiting map[string][]*message // by group; an empty lane has one at work
}

func newLanes() *lanes { return &lanes{waiting: make(map[string][]*message)} }

// enter reports whether the message may start now. Otherwise it waits for
// those before it.
func (l *lanes) enter(m *message) bool {
	if m.group == "" {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	behind, busy := l.waiting[m.group]
	if busy {
		l.waiting[m.group] = append(behind, m)
		return false
	}
	l.waiting[m.group] = nil
	return true
}

// next returns the message that may start now that m has finished, if any.
func (l *lanes) next(m *message) *message {
	if m.group == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	behind := l.waiting[m.group]
	if len(behind) == 0 {
		delete(l.waiting, m.group)
		return nil
	}
	l.waiting[m.group] = behind[1:]
	return behind[0]
}

// clear empties the lane of m, which is not to go on, and returns the messages
// that waited in it.
func (l *lanes) clear(m *message) []*message {
	if m.group == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	behind := l.waiting[m.group]
	delete(l.waiting, m.group)
	return behind
}
