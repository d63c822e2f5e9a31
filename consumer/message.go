package consumer

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.opentelemetry.io/otel/trace"

	"wildix-worker/consumer/internal/breaker"
	"wildix-worker/consumer/internal/inflight"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
)

var errNotString = errors.New("the attribute " + sqscall.SignatureAttribute + " is not a String")

// A message is one message of the queue, from its receive until it is settled.
type message struct {
	id           string
	body         []byte
	attribute    *types.MessageAttributeValue // that of the signature, or nil
	group        string                       // of a FIFO queue
	receiveCount int
	sentAt       time.Time

	opened Result     // what verifying and decoding found, before any handler
	span   trace.Span // nil if nobody traces

	token *inflight.Token
	probe breaker.Probe

	lane     string    // messages of one lane are handled one at a time
	laneTime time.Time // they line up by it

	lease // guarded by leases.mu
}

// A lease is a message's time until SQS gives it to someone else, and how far
// its settling has got.
type lease struct {
	state      state
	handle     string    // the newest receipt handle
	receivedAt time.Time // when the newest handle came
	ends       time.Time // when SQS makes the message visible
	renewAt    time.Time
	lost       bool // it ended, or SQS said so, before the handler did
	cancel     context.CancelCauseFunc

	// calling: a call about the message is not answered yet. There is never
	// a second one, so that an extension can't undo a give-back, nor race a
	// delete.
	calling   bool
	delay     time.Duration // of the give-back, in whole seconds
	tries     int           // of the delete or give-back, failed so far
	notBefore time.Time     // of the next try
	dueAt     time.Time     // when it lingers no longer
}

type state uint8

const (
	running      state = iota // its handler has not finished, or not begun
	deleting                  // to be deleted
	returning                 // to be given back
	quarantining              // to be sent to the quarantine queue, then deleted
	settled                   // nothing more to do
)

// needsHandler reports whether the message is neither rejected nor malformed.
func (m *message) needsHandler() bool {
	return m.opened.Err == nil || m.opened.Outcome == events.Failed
}

// latest is when a lease ends that is extended as often as SQS allows.
func (l *lease) latest() time.Time { return l.receivedAt.Add(maxVisibility - leaseMargin) }

// timeout is the visibility timeout, in seconds, that settles the lease when it
// is given back.
func (l *lease) timeout(now time.Time) int32 {
	if l.state != returning {
		return 0
	}
	return max(0, seconds(min(l.delay+time.Second-1, l.latest().Sub(now)))) // rounded up
}

func newMessage(m *types.Message, now time.Time) *message {
	msg := &message{
		id:           cmp.Or(aws.ToString(m.MessageId), aws.ToString(m.ReceiptHandle)),
		body:         []byte(aws.ToString(m.Body)),
		group:        m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)],
		receiveCount: 1,
	}
	msg.handle, msg.receivedAt = aws.ToString(m.ReceiptHandle), now
	if attribute, ok := m.MessageAttributes[sqscall.SignatureAttribute]; ok {
		msg.attribute = &attribute
	}
	if millis, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
		msg.sentAt = time.UnixMilli(millis)
	}
	count := m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]
	if n, err := strconv.Atoi(count); err == nil && n > 0 {
		msg.receiveCount = n
	}
	return msg
}

// signature returns "" without an error when there is none at all.
func (m *message) signature() (string, error) {
	if m.attribute == nil {
		return "", nil
	}
	if aws.ToString(m.attribute.DataType) != "String" || m.attribute.StringValue == nil {
		return "", errNotString
	}
	return *m.attribute.StringValue, nil
}
