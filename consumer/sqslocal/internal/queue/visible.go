package queue

import "container/list"

// visibleList holds the visible messages of a queue, in the order they are received.
type visibleList interface {
	add(m *item)            // adds m, which became visible
	take(limit int) []*item // removes and returns the next messages, at least one if ready
	finish(m *item)         // m, taken before, is no longer in flight
	remove(m *item)         // removes m, which is in the list
	ready() bool            // reports whether take would return a message
	len() int               // returns the number of messages, including those that cannot be taken yet
}

func newVisibleList(fifo bool) visibleList {
	if fifo {
		return &fifoList{groups: make(map[string]*group)}
	}
	return new(standardList)
}

// standardList is the visibleList of a standard queue: messages are taken in the order they became visible.
type standardList struct{ messages list.List }

func (l *standardList) add(m *item) { m.place = l.messages.PushBack(m) }

func (l *standardList) take(limit int) []*item {
	taken := make([]*item, 0, limit)
	for len(taken) < limit && l.messages.Len() > 0 {
		m := l.messages.Front().Value.(*item)
		l.remove(m)
		taken = append(taken, m)
	}
	return taken
}

func (l *standardList) finish(*item) {}

func (l *standardList) remove(m *item) {
	l.messages.Remove(m.place)
	m.place = nil
}

func (l *standardList) ready() bool { return l.messages.Len() > 0 }
func (l *standardList) len() int    { return l.messages.Len() }
