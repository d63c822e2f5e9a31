package route

import (
	"container/heap"
	"time"
)

// A queue is a list of parts, from which each can be removed.
type queue struct {
	head, tail *part
	length     int
}

func (q *queue) push(p *part) {
	p.before, p.after = q.tail, nil
	if q.tail == nil {
		q.head = p
	} else {
		q.tail.after = p
	}
	q.tail = p
	q.length++
}

func (q *queue) remove(p *part) {
	if p.before == nil {
		q.head = p.after
	} else {
		p.before.after = p.after
	}
	if p.after == nil {
		q.tail = p.before
	} else {
		p.after.before = p.before
	}
	p.before, p.after = nil, nil
	q.length--
}

// leastTried returns the part with the fewest calls, and of those the one that has waited
// longest. It returns nil if the queue is empty.
func (q *queue) leastTried() *part {
	least := q.head
	for p := q.head; p != nil; p = p.after {
		if p.tries < least.tries || p.tries == least.tries && p.number < least.number {
			least = p
		}
	}
	return least
}

// delayed is a heap of parts, the earliest first.
type delayed []delayedPart

type delayedPart struct {
	part *part
	due  time.Time
}

func (d delayed) Len() int           { return len(d) }
func (d delayed) Less(i, j int) bool { return d[i].due.Before(d[j].due) }
func (d delayed) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].part.index, d[j].part.index = int32(i), int32(j)
}

func (d *delayed) Push(x any) {
	p := x.(delayedPart)
	p.part.index = int32(len(*d))
	*d = append(*d, p)
}

func (d *delayed) Pop() any {
	last := len(*d) - 1
	p := (*d)[last]
	(*d)[last] = delayedPart{}
	*d = (*d)[:last]
	return p
}

func (d *delayed) add(p *part, due time.Time) { heap.Push(d, delayedPart{p, due}) }
func (d *delayed) remove(p *part)             { heap.Remove(d, int(p.index)) }
