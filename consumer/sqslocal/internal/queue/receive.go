package queue

import (
	"container/heap"
	"time"

	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// Receive returns up to limit visible messages and makes them invisible for the visibility timeout. On the way it deletes messages
// past the retention period, and moves those that were received too often to deadLetters, which is nil if there is no such queue.
//
// With too many messages in flight, a standard queue returns an error, and a FIFO queue no messages.
func (q *Queue) Receive(limit int, visibility time.Duration, deadLetters *Queue, now time.Time) ([]Delivery, error) {
	q.advance(now)
	if q.full() {
		if q.FIFO() {
			return nil, nil
		}
		return nil, sqserr.OverLimit
	}
	received := make([]Delivery, 0, limit)
	for len(received) < limit {
		taken := q.visible.take(limit - len(received))
		if len(taken) == 0 {
			break
		}
		for _, m := range taken {
			switch {
			case q.expired(m, now):
				q.removeTaken(m)
			case deadLetters != nil && q.exhausted(m):
				q.redrive(m, deadLetters, now)
			default:
				q.startFlight(m, now, visibility)
				received = append(received, deliver(q.number, m))
			}
		}
	}
	return received, nil
}

// exhausted reports whether the message was received as often as the redrive policy allows.
func (q *Queue) exhausted(m *item) bool {
	r := q.settings.Redrive
	return r != nil && m.receivesHere >= r.maxReceives
}

// startFlight marks a message as received that was taken from the visible list.
func (q *Queue) startFlight(m *item, now time.Time, visibility time.Duration) {
	scheduled := m.scheduled()
	m.receives++
	m.receivesHere++
	m.lastReceived = now
	if m.firstReceived.IsZero() {
		m.firstReceived = now
	}
	m.visibleAt = now.Add(visibility)
	if scheduled { // a duplicate delivery: the message is in flight already
		heap.Fix(&q.scheduled, m.scheduleIndex)
		return
	}
	heap.Push(&q.scheduled, m)
	q.inFlight++
}

// redrive moves a message that was taken from the visible list to the dead-letter queue.
func (q *Queue) redrive(m *item, deadLetters *Queue, now time.Time) {
	q.removeTaken(m)
	m.sourceARN = q.ARN()
	m.receivesHere = 0
	if deadLetters.FIFO() {
		m.sent = now // as documented, the retention period of a FIFO message starts again
		m.sequence = q.ids.Number()
	}
	deadLetters.add(m, now, 0)
}

// Duplicate makes messages visible that were just received, so that they are received again. It does nothing on a FIFO queue.
func (q *Queue) Duplicate(deliveries []Delivery) {
	if q.FIFO() {
		return
	}
	for _, d := range deliveries {
		if m := q.messages[d.number]; m != nil && !m.visible() {
			q.visible.add(m)
		}
	}
}
