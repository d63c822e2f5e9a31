package sqslocal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

type sendMessageInput struct {
	QueueUrl string
	outgoing
}

type sendResult struct {
	MessageId                    string
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
	SequenceNumber               string `json:",omitempty"`
}

func (s *Server) sendMessage(_ *request, in *sendMessageInput) (*sendResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	defer q.wake(now)
	return q.send(&in.outgoing, now)
}

type sendMessageBatchInput struct {
	QueueUrl string
	Entries  []sendEntry
}

type sendEntry struct {
	Id string
	outgoing
}

func (e sendEntry) id() string { return e.Id }

type sentEntry struct {
	Id string
	*sendResult
}

func (s *Server) sendMessageBatch(r *request, in *sendMessageBatchInput) (*batchResult[sentEntry], error) {
	size := 0
	for _, e := range in.Entries {
		size += len(e.MessageBody) + e.MessageAttributes.size()
	}
	if size > maxMessageSize {
		return nil, errBatchTooLong
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	defer q.wake(now)
	return runBatch(r, in.Entries, func(e sendEntry) (sentEntry, error) {
		sent, err := q.send(&e.outgoing, now)
		return sentEntry{e.Id, sent}, err
	})
}

// send puts a message into the queue, unless it is a repeat of one that a FIFO queue remembers.
func (q *queue) send(o *outgoing, now time.Time) (*sendResult, error) {
	m, err := o.message()
	if err != nil {
		return nil, err
	}
	if m.size() > q.settings.maxSize {
		return nil, errInvalidValue("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.settings.maxSize+1)
	}
	delay, err := q.delay(o.DelaySeconds)
	if err != nil {
		return nil, err
	}
	if q.fifo {
		if err := q.order(m); err != nil {
			return nil, err
		}
		if earlier, ok := q.recent.find(q.deduplicationKey(m), now); ok {
			return m.sendResult(earlier), nil
		}
		m.sequence = q.server.nextNumber()
	}
	m.number = q.server.nextNumber()
	m.id = q.server.newID()
	m.sent = now
	q.put(m, now, delay)
	id := sentID{m.id, m.sequenceNumber()}
	if q.fifo {
		q.recent.add(q.deduplicationKey(m), id, now)
	}
	return m.sendResult(id), nil
}

func (m *message) sendResult(id sentID) *sendResult {
	return &sendResult{id.messageID, m.bodyMD5, m.attributes.md5(), m.systemAttributes.md5(), id.sequenceNumber}
}

// delay returns how long a message with the given DelaySeconds stays hidden at first.
func (q *queue) delay(seconds *int) (time.Duration, error) {
	switch {
	case seconds == nil:
		return q.settings.delay, nil
	case *seconds < 0 || *seconds > 900:
		return 0, errInvalidValue("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *seconds)
	case q.fifo && *seconds > 0:
		return 0, errInvalidValue("Value %d for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", *seconds)
	case q.fifo:
		return q.settings.delay, nil
	}
	return time.Duration(*seconds) * time.Second, nil
}

// order checks what a message needs on a FIFO queue, and makes its deduplication id if it has none.
func (q *queue) order(m *message) error {
	if m.groupID == "" {
		return errMissing("MessageGroupId")
	}
	if m.deduplicationID == "" {
		if !q.settings.contentDeduplication {
			return errInvalidValue("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
		digest := sha256.Sum256([]byte(m.body))
		m.deduplicationID = hex.EncodeToString(digest[:])
	}
	return nil
}

// newID returns a message id: a random UUID. The server's lock is held.
func (s *Server) newID() string {
	hi, lo := s.random.Uint64(), s.random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xfff, 0x8000|lo>>48&0x3fff, lo&0xffffffffffff)
}
