package queue

import "time"

// schedule is a heap (see container/heap) of the delayed and in-flight messages of a queue, the next to become visible on top.
type schedule []*item

func (s schedule) Len() int { return len(s) }

// Less breaks ties by age: messages that become visible together do so in the order they were sent.
func (s schedule) Less(i, j int) bool {
	a, b := s[i], s[j]
	if a.visibleAt.Equal(b.visibleAt) {
		return a.number < b.number
	}
	return a.visibleAt.Before(b.visibleAt)
}

func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].scheduleIndex = i
	s[j].scheduleIndex = j
}

// Push is for container/heap only.
func (s *schedule) Push(x any) {
	m := x.(*item)
	m.scheduleIndex = len(*s)
	*s = append(*s, m)
}

// Pop is for container/heap only.
func (s *schedule) Pop() any {
	last := len(*s) - 1
	m := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	m.scheduleIndex = notScheduled
	return m
}

// due reports whether the message on top is visible at now.
func (s schedule) due(now time.Time) bool {
	return len(s) > 0 && !s[0].visibleAt.After(now)
}
