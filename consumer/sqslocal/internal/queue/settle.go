package queue

import (
	"container/heap"
	"time"

	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// Delete deletes the message of a receipt handle.
//
// On a standard queue the handle of an earlier receive succeeds and deletes nothing. On a FIFO queue such a handle is an error, and
// so is any handle after the visibility timeout. A message that is already deleted is no error.
func (q *Queue) Delete(handle string, now time.Time) error {
	q.advance(now)
	m, latest, err := q.find(handle)
	switch {
	case err != nil:
		return err
	case m == nil:
		return nil
	case q.FIFO() && !(latest && m.scheduled()):
		return sqserr.HandleExpired(handle, "The receipt handle has expired")
	case latest:
		q.remove(m)
	}
	return nil
}

// ChangeVisibility makes the message of a receipt handle visible so many seconds from now. The message must be in flight, and the
// handle that of its latest receive.
func (q *Queue) ChangeVisibility(handle string, seconds *int, now time.Time) error {
	if seconds == nil {
		return sqserr.MissingParameter("VisibilityTimeout")
	}
	if *seconds < 0 || *seconds > 43200 {
		return sqserr.InvalidValue("Value %d for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200.", *seconds)
	}
	q.advance(now)
	m, latest, err := q.find(handle)
	if err != nil {
		return err
	}
	if !latest {
		return sqserr.HandleExpired(handle, "Message does not exist or is not available for visibility timeout change")
	}
	if !m.scheduled() {
		return sqserr.NotInFlight
	}
	visibleAt := now.Add(time.Duration(*seconds) * time.Second)
	if visibleAt.After(m.lastReceived.Add(maxVisibility)) {
		return sqserr.InvalidValue("Value %d for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].", *seconds)
	}
	if *seconds == 0 {
		q.makeVisible(m)
		return nil
	}
	m.visibleAt = visibleAt
	heap.Fix(&q.scheduled, m.scheduleIndex)
	return nil
}

// find returns the message of a receipt handle, and whether the handle is that of its latest receive. The message is nil if it is
// deleted. A handle that is not from this queue is an error.
func (q *Queue) find(handle string) (m *item, latest bool, err error) {
	if handle == "" {
		return nil, false, sqserr.MissingParameter("ReceiptHandle")
	}
	r, err := parseReceipt(handle)
	if err != nil {
		return nil, false, err
	}
	if r.queue != q.number {
		return nil, false, sqserr.HandleInvalid
	}
	m = q.messages[r.message]
	return m, m != nil && uint64(m.receives) == r.receive, nil
}
