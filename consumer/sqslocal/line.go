package sqslocal

import "container/list"

// line holds the visible messages of a queue in the order they are given out. There are two: that of standard queues is below,
// that of FIFO queues is fifoLine.
type line interface {
	add(m *message)            // m became visible
	take(limit int) []*message // the next messages, at least one if ready; they leave the line
	release(m *message)        // m, taken before, is no longer in flight
	remove(m *message)         // m, still in line, is gone
	ready() bool               // whether take would return something
	len() int                  // messages in line, whether they can be taken or not
}

// standardLine gives messages out in the order they became visible.
type standardLine struct{ messages list.List }

func (l *standardLine) add(m *message) { m.place = l.messages.PushBack(m) }

func (l *standardLine) take(limit int) []*message {
	taken := make([]*message, 0, limit)
	for len(taken) < limit && l.messages.Len() > 0 {
		m := l.messages.Front().Value.(*message)
		l.remove(m)
		taken = append(taken, m)
	}
	return taken
}

func (l *standardLine) release(*message) {}

func (l *standardLine) remove(m *message) {
	l.messages.Remove(m.place)
	m.place = nil
}

func (l *standardLine) ready() bool { return l.messages.Len() > 0 }
func (l *standardLine) len() int    { return l.messages.Len() }

// fifoLine keeps the messages of each group in order, and gives out none of a group of which some are in flight.
type fifoLine struct {
	groups map[string]*group // those with messages in line or in flight
	free   list.List         // of *group: those with messages in line and none in flight
	count  int
}

type group struct {
	waiting list.List     // of *message, in order of sequence
	taken   int           // messages taken and not released
	place   *list.Element // in fifoLine.free; nil if it is not there
}

func (l *fifoLine) add(m *message) {
	g := l.groups[m.groupID]
	if g == nil {
		g = new(group)
		l.groups[m.groupID] = g
	}
	g.insert(m)
	l.count++
	l.settle(m.groupID, g)
}

// insert puts m where it belongs: behind the last one for a message just sent, at the front for one that was received before.
func (g *group) insert(m *message) {
	if front := g.waiting.Front(); front == nil || m.sequence < front.Value.(*message).sequence {
		m.place = g.waiting.PushFront(m)
		return
	}
	after := g.waiting.Back()
	for m.sequence < after.Value.(*message).sequence {
		after = after.Prev()
	}
	m.place = g.waiting.InsertAfter(m, after)
}

// take returns messages of one group only; asking again returns those of the next.
func (l *fifoLine) take(limit int) []*message {
	if !l.ready() {
		return nil
	}
	g := l.free.Front().Value.(*group)
	var taken []*message
	for len(taken) < limit && g.waiting.Len() > 0 {
		m := g.waiting.Front().Value.(*message)
		g.waiting.Remove(m.place)
		m.place = nil
		taken = append(taken, m)
	}
	g.taken += len(taken)
	l.count -= len(taken)
	l.settle(taken[0].groupID, g)
	return taken
}

func (l *fifoLine) release(m *message) {
	g := l.groups[m.groupID]
	g.taken--
	l.settle(m.groupID, g)
}

func (l *fifoLine) remove(m *message) {
	g := l.groups[m.groupID]
	g.waiting.Remove(m.place)
	m.place = nil
	l.count--
	l.settle(m.groupID, g)
}

// settle puts the group where it belongs after a change to it.
func (l *fifoLine) settle(name string, g *group) {
	free := g.waiting.Len() > 0 && g.taken == 0
	switch {
	case free && g.place == nil:
		g.place = l.free.PushBack(g)
	case !free && g.place != nil:
		l.free.Remove(g.place)
		g.place = nil
	}
	if g.waiting.Len() == 0 && g.taken == 0 {
		delete(l.groups, name)
	}
}

func (l *fifoLine) ready() bool { return l.free.Len() > 0 }
func (l *fifoLine) len() int    { return l.count }
