package consumer

import (
	"cmp"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.opentelemetry.io/otel/trace"

	"wildix-worker/consumer/internal/breaker"
	"wildix-worker/consumer/internal/inflight"
	"wildix-worker/consumer/internal/settle"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

var errNotString = errors.New("the attribute " + sqscall.SignatureAttribute + " is not a String")

// A message is one delivery of a message. One goroutine at a time uses it: the poller
// that received it, then a worker.
type message struct {
	id           string
	handle       string // the receipt handle
	body         []byte
	signature    *types.MessageAttributeValue // nil if there is none
	group        string                       // of a FIFO queue
	receiveCount int
	sentAt       time.Time // zero if unknown

	decoded Result    // the result of verifying and decoding
	key     string    // messages of one key are handled one at a time; empty if it need not wait
	time    time.Time // the order in which messages wait; zero for order of arrival

	token *inflight.Token
	lease *settle.Lease
	probe breaker.Probe
	span  trace.Span // nil without a tracer
}

func newMessage(received *types.Message) *message {
	m := &message{
		id:           cmp.Or(aws.ToString(received.MessageId), aws.ToString(received.ReceiptHandle)),
		handle:       aws.ToString(received.ReceiptHandle),
		body:         []byte(aws.ToString(received.Body)),
		group:        received.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)],
		receiveCount: 1,
	}
	if attribute, ok := received.MessageAttributes[sqscall.SignatureAttribute]; ok {
		m.signature = &attribute
	}
	if millis, err := strconv.ParseInt(received.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
		m.sentAt = time.UnixMilli(millis)
	}
	count := received.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]
	if n, err := strconv.Atoi(count); err == nil && n > 0 {
		m.receiveCount = n
	}
	return m
}

// DecodeMessage verifies and decodes a received message as a [Consumer] does before
// it calls the handler. The results are those of [events.DecodeSigned].
func DecodeMessage(keys *signature.Keyring, received *types.Message) (*events.Event, events.Outcome, error) {
	return newMessage(received).verifyAndDecode(keys)
}

func (m *message) verifyAndDecode(keys *signature.Keyring) (*events.Event, events.Outcome, error) {
	sig, err := m.signatureText()
	if err != nil {
		return nil, events.Rejected, err
	}
	e, outcome, err := events.DecodeSigned(keys, m.body, sig)
	if e != nil {
		e.ReceiveCount = m.receiveCount
	}
	return e, outcome, err
}

// signatureText returns the signature, or an empty string if the message has none.
func (m *message) signatureText() (string, error) {
	if m.signature == nil {
		return "", nil
	}
	if aws.ToString(m.signature.DataType) != "String" || m.signature.StringValue == nil {
		return "", errNotString
	}
	return *m.signature.StringValue, nil
}

// needsHandler reports whether the message is neither rejected nor malformed.
func (m *message) needsHandler() bool {
	return m.decoded.Err == nil || m.decoded.Outcome == events.Failed
}
