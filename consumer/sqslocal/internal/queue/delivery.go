package queue

import (
	"time"

	"wildix-worker/consumer/sqslocal/internal/message"
)

// Delivery is a message as one receive returns it. It is a copy: what happens to the message later does not change it.
type Delivery struct {
	message.Content
	MessageID      string
	ReceiptHandle  string
	BodyMD5        string
	Sent           time.Time
	FirstReceived  time.Time
	ReceiveCount   int
	SequenceNumber string // "" on a standard queue
	SourceARN      string // in a dead-letter queue: the queue the message came from

	number uint64
}

// deliver copies an item that was just received from the queue with the given number.
func deliver(queue uint64, m *item) Delivery {
	return Delivery{
		Content:        m.Content,
		MessageID:      m.id,
		ReceiptHandle:  receipt{queue, m.number, uint64(m.receives)}.handle(),
		BodyMD5:        m.bodyMD5,
		Sent:           m.sent,
		FirstReceived:  m.firstReceived,
		ReceiveCount:   m.receives,
		SequenceNumber: m.sequenceNumber(),
		SourceARN:      m.sourceARN,
		number:         m.number,
	}
}
