package queue

import "container/list"

// fifoList is the visibleList of a FIFO queue: the messages of a group are taken in order, and none while others of the group are in
// flight.
type fifoList struct {
	groups    map[string]*group // groups with visible messages or messages in flight
	available list.List         // of *group: groups with visible messages and none in flight
	count     int
}

type group struct {
	visible  list.List     // of *item, in order of sequence
	inFlight int           // messages taken and not finished
	place    *list.Element // in fifoList.available; nil if it is not there
}

func (l *fifoList) add(m *item) {
	g := l.groups[m.GroupID]
	if g == nil {
		g = new(group)
		l.groups[m.GroupID] = g
	}
	g.insert(m)
	l.count++
	l.update(m.GroupID, g)
}

// insert adds m in order of sequence. A message just sent goes to the end, one that was received before most often to the front.
func (g *group) insert(m *item) {
	if front := g.visible.Front(); front == nil || m.sequence < front.Value.(*item).sequence {
		m.place = g.visible.PushFront(m)
		return
	}
	after := g.visible.Back()
	for m.sequence < after.Value.(*item).sequence {
		after = after.Prev()
	}
	m.place = g.visible.InsertAfter(m, after)
}

// take returns messages of one group; the next call returns those of another.
func (l *fifoList) take(limit int) []*item {
	if !l.ready() {
		return nil
	}
	g := l.available.Front().Value.(*group)
	var taken []*item
	for len(taken) < limit && g.visible.Len() > 0 {
		m := g.visible.Front().Value.(*item)
		g.visible.Remove(m.place)
		m.place = nil
		taken = append(taken, m)
	}
	g.inFlight += len(taken)
	l.count -= len(taken)
	l.update(taken[0].GroupID, g)
	return taken
}

func (l *fifoList) finish(m *item) {
	g := l.groups[m.GroupID]
	g.inFlight--
	l.update(m.GroupID, g)
}

func (l *fifoList) remove(m *item) {
	g := l.groups[m.GroupID]
	g.visible.Remove(m.place)
	m.place = nil
	l.count--
	l.update(m.GroupID, g)
}

// update adds the group to the available ones or removes it, as its messages require, and forgets an empty group.
func (l *fifoList) update(name string, g *group) {
	available := g.visible.Len() > 0 && g.inFlight == 0
	switch {
	case available && g.place == nil:
		g.place = l.available.PushBack(g)
	case !available && g.place != nil:
		l.available.Remove(g.place)
		g.place = nil
	}
	if g.visible.Len() == 0 && g.inFlight == 0 {
		delete(l.groups, name)
	}
}

func (l *fifoList) ready() bool { return l.available.Len() > 0 }
func (l *fifoList) len() int    { return l.count }
