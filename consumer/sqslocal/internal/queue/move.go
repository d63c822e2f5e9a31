package queue

import "time"

// MoveOutcome is what MoveNext did.
type MoveOutcome int

const (
	MoveEmpty         MoveOutcome = iota // no message can be received
	MoveExpired                          // the message was past the retention period and is deleted
	MoveNoDestination                    // the message stays, since there is no queue to move it to
	Moved
)

// MoveNext moves the next visible message to another queue, where it is a new message with an id of its own. The function returns
// the queue for a message that came from the queue with the given ARN ("" if it was not redriven), or nil if there is none.
func (q *Queue) MoveNext(destination func(sourceARN string) *Queue, now time.Time) MoveOutcome {
	q.advance(now)
	if !q.visible.ready() {
		return MoveEmpty
	}
	m := q.visible.take(1)[0]
	if q.expired(m, now) {
		q.removeTaken(m)
		return MoveExpired
	}
	to := destination(m.sourceARN)
	if to == nil {
		q.visible.finish(m)
		q.visible.add(m)
		return MoveNoDestination
	}
	q.removeTaken(m)
	to.addCopy(m, now)
	return Moved
}

// addCopy adds a new message with the content of another.
func (q *Queue) addCopy(original *item, now time.Time) {
	m := &item{
		Content: original.Content, number: q.ids.Number(), id: q.ids.UUID(), bodyMD5: original.bodyMD5,
		sent: now, scheduleIndex: notScheduled,
	}
	if q.FIFO() {
		m.sequence = q.ids.Number()
	}
	q.add(m, now, 0)
}
