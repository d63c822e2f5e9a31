package sqslocal

import (
	"container/list"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// maxMessageSize is the most that a message, or all messages of one batch, may measure in bytes: body and attributes.
const maxMessageSize = 1 << 20

// message is one message of one queue. What is above the blank line never changes once the message is in a queue.
type message struct {
	number           uint64 // unique in the server
	id               string
	body             string
	bodyMD5          string
	attributes       messageAttributes
	systemAttributes messageAttributes // AWSTraceHeader is the only one there is
	groupID          string
	deduplicationID  string

	sent          time.Time
	sequence      uint64 // of FIFO queues; the order within a group
	sourceARN     string // of a message in a dead-letter queue: where it came from
	receives      int    // since it was sent, over all queues; also tells the current receipt handle from older ones
	receivesHere  int    // since it came into this queue
	firstReceived time.Time
	lastReceived  time.Time

	// A message waits in line, or is hidden, or for a duplicate delivery both.
	place     *list.Element // in the queue's line; nil if it is not there
	visibleAt time.Time     // when hidden: until when
	heapIndex int           // in the queue's hidden messages; notHidden if it is not there
}

const notHidden = -1

func (m *message) visible() bool { return m.place != nil }
func (m *message) hidden() bool  { return m.heapIndex != notHidden }

// inFlight tells a hidden message that was received from one that is delayed.
func (m *message) inFlight() bool { return m.hidden() && m.receivesHere > 0 }

// size is what counts against the limits, in bytes.
func (m *message) size() int { return len(m.body) + m.attributes.size() }

// outgoing is a message as SendMessage and the entries of SendMessageBatch carry it.
type outgoing struct {
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       messageAttributes
	MessageSystemAttributes messageAttributes
	MessageGroupId          string
	MessageDeduplicationId  string
}

// message checks everything about an outgoing message that does not depend on the queue.
func (o *outgoing) message() (*message, error) {
	if o.MessageBody == "" {
		return nil, errMissing("MessageBody")
	}
	if err := checkText(o.MessageBody, "message body"); err != nil {
		return nil, err
	}
	if err := o.MessageAttributes.check(); err != nil {
		return nil, err
	}
	for name := range o.MessageSystemAttributes {
		if name != "AWSTraceHeader" {
			return nil, errInvalidValue("Message system attribute name '%s' is invalid.", name)
		}
	}
	for name, id := range map[string]string{"MessageGroupId": o.MessageGroupId, "MessageDeduplicationId": o.MessageDeduplicationId} {
		if !validID(id) {
			return nil, errInvalidValue("Value %s for parameter %s is invalid. Reason: It can only contain alphanumeric characters and punctuation, at most 128 of them.", id, name)
		}
	}
	digest := md5.Sum([]byte(o.MessageBody))
	return &message{
		body:             o.MessageBody,
		bodyMD5:          hex.EncodeToString(digest[:]),
		attributes:       o.MessageAttributes,
		systemAttributes: o.MessageSystemAttributes,
		groupID:          o.MessageGroupId,
		deduplicationID:  o.MessageDeduplicationId,
		heapIndex:        notHidden,
	}, nil
}

// checkText refuses characters that SQS does not carry; where says in which part of the message it looked.
func checkText(text, where string) error {
	for _, c := range text {
		switch {
		case c >= 0x20 && c <= 0xD7FF, c == '\t', c == '\n', c == '\r', c >= 0xE000 && c <= 0xFFFD, c >= 0x10000:
		default:
			return errContents(fmt.Sprintf("Invalid binary character '#x%X' was found in the %s, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF", c, where))
		}
	}
	return nil
}

// validID reports whether id can be a message group or deduplication id; having none is checked elsewhere.
func validID(id string) bool {
	for _, c := range id {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(id) <= 128
}

// systemAttribute returns the value of a message system attribute, or "" if the message has none of that name.
func (m *message) systemAttribute(name string) string {
	switch name {
	case "SenderId":
		return "AIDALOCALLOCALLOCALLO"
	case "SentTimestamp":
		return strconv.FormatInt(m.sent.UnixMilli(), 10)
	case "ApproximateReceiveCount":
		return strconv.Itoa(m.receives)
	case "ApproximateFirstReceiveTimestamp":
		return strconv.FormatInt(m.firstReceived.UnixMilli(), 10)
	case "MessageGroupId":
		return m.groupID
	case "MessageDeduplicationId":
		return m.deduplicationID
	case "SequenceNumber":
		return m.sequenceNumber()
	case "DeadLetterQueueSourceArn":
		return m.sourceARN
	case "AWSTraceHeader":
		return m.systemAttributes["AWSTraceHeader"].StringValue
	}
	return ""
}

var systemAttributeNames = []string{
	"SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "MessageGroupId",
	"MessageDeduplicationId", "SequenceNumber", "DeadLetterQueueSourceArn", "AWSTraceHeader",
}

// sequenceNumber is the number as FIFO queues show it, always twenty digits so that it also sorts as text; "" on standard queues.
func (m *message) sequenceNumber() string {
	if m.sequence == 0 {
		return ""
	}
	return strconv.FormatUint(1e19+m.sequence, 10)
}
