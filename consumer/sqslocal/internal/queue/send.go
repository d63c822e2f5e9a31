package queue

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"wildix-worker/consumer/sqslocal/internal/message"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// Sent is the result of a send.
type Sent struct {
	MessageID      string
	BodyMD5        string
	SequenceNumber string // "" on a standard queue
}

// Send adds a message, unless it is a duplicate on a FIFO queue: then the result is that of the first send. A nil delaySeconds means
// the queue's delay.
func (q *Queue) Send(c message.Content, delaySeconds *int, now time.Time) (Sent, error) {
	if err := c.Validate(); err != nil {
		return Sent{}, err
	}
	if c.Size() > q.settings.maxSize {
		return Sent{}, sqserr.InvalidValue("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.settings.maxSize+1)
	}
	delay, err := q.delay(delaySeconds)
	if err != nil {
		return Sent{}, err
	}
	m := &item{Content: c, bodyMD5: c.BodyMD5(), sent: now, scheduleIndex: notScheduled}
	if q.FIFO() {
		if err := q.prepareFIFO(m); err != nil {
			return Sent{}, err
		}
		if earlier, ok := q.recent.find(q.deduplicationKey(m), now); ok {
			return Sent{earlier.messageID, m.bodyMD5, earlier.sequenceNumber}, nil
		}
		m.sequence = q.ids.Number()
	}
	m.number = q.ids.Number()
	m.id = q.ids.UUID()
	q.add(m, now, delay)
	if q.FIFO() {
		q.recent.add(q.deduplicationKey(m), sentID{m.id, m.sequenceNumber()}, now)
	}
	return Sent{m.id, m.bodyMD5, m.sequenceNumber()}, nil
}

// delay returns how long a message with the given DelaySeconds is delayed.
func (q *Queue) delay(seconds *int) (time.Duration, error) {
	switch {
	case seconds == nil:
		return q.settings.delay, nil
	case *seconds < 0 || *seconds > 900:
		return 0, sqserr.InvalidValue("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *seconds)
	case q.FIFO() && *seconds > 0:
		return 0, sqserr.InvalidValue("Value %d for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", *seconds)
	case q.FIFO():
		return q.settings.delay, nil
	}
	return time.Duration(*seconds) * time.Second, nil
}

// prepareFIFO checks the ids that a message needs on a FIFO queue, and sets a deduplication id if it has none.
func (q *Queue) prepareFIFO(m *item) error {
	if m.GroupID == "" {
		return sqserr.MissingParameter("MessageGroupId")
	}
	if m.DeduplicationID == "" {
		if !q.settings.deduplicateByContent {
			return sqserr.InvalidValue("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
		digest := sha256.Sum256([]byte(m.Body))
		m.DeduplicationID = hex.EncodeToString(digest[:])
	}
	return nil
}

func (q *Queue) deduplicationKey(m *item) deduplicationKey {
	if q.settings.deduplicateWithinGroupOnly {
		return deduplicationKey{m.GroupID, m.DeduplicationID}
	}
	return deduplicationKey{"", m.DeduplicationID}
}
