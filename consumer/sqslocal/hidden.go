package sqslocal

import "time"

// hiddenHeap holds the delayed and in-flight messages of a queue for container/heap, the one that is visible again first on top, so
// that neither a receive nor a timeout has to look at the others.
type hiddenHeap []*message

func (h hiddenHeap) Len() int           { return len(h) }
func (h hiddenHeap) Less(i, j int) bool { return h[i].before(h[j]) }

// before breaks ties by age, so that messages that become visible together do so in the order they were sent.
func (m *message) before(other *message) bool {
	if m.visibleAt.Equal(other.visibleAt) {
		return m.number < other.number
	}
	return m.visibleAt.Before(other.visibleAt)
}

func (h hiddenHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapIndex = i
	h[j].heapIndex = j
}

// Push is for container/heap only.
func (h *hiddenHeap) Push(x any) {
	m := x.(*message)
	m.heapIndex = len(*h)
	*h = append(*h, m)
}

// Pop is for container/heap only.
func (h *hiddenHeap) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	m.heapIndex = notHidden
	return m
}

// due reports whether the message on top is to be shown at now.
func (h hiddenHeap) due(now time.Time) bool {
	return len(h) > 0 && !h[0].visibleAt.After(now)
}
