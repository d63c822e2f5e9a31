package consumer

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"weak"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wildix-worker/consumer/internal/inflight"
	"wildix-worker/consumer/internal/settle"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

var errNotString = errors.New("the attribute " + sqscall.SignatureAttribute + " is not a String")

// A message is one delivery of a message. One goroutine at a time uses it: the poller
// that received it, then a worker. Thousands are kept while they are held, so it is small.
type message struct {
	token        *inflight.Token
	lease        *settle.Lease // which has the message's id
	body         []byte
	signature    string                       // empty if there is none
	attribute    *types.MessageAttributeValue // of the signature, if that is not a String
	sentAt       int64                        // in Unix milliseconds; zero if unknown
	receiveCount int32

	place    int32  // among the held messages, from 1; zero if it is not one of them
	grouped  bool   // the key is its group of a FIFO queue
	followed bool   // a message of its FIFO group that can be handled came with it
	key      string // messages of one key are handled one at a time; empty if it need not wait

	decoded  decoded
	event    weak.Pointer[events.Event] // of decoded, while the message is held
	delivery events.Delivery
	holdErr  error      // why the message was last held
	span     trace.Span // nil without a tracer
}

// decoded is the result of verifying and decoding.
type decoded struct {
	Outcome events.Outcome
	Event   *events.Event
	Err     error
	Took    time.Duration
}

func (d decoded) result() Result {
	return Result{Outcome: d.Outcome, Event: d.Event, Err: d.Err, Took: d.Took}
}

// newMessage returns a message, and what the settler must know of it.
func newMessage(received *sqscall.Message) (*message, settle.Receipt) {
	m := &message{
		body: received.Body, signature: received.Signature, attribute: received.NotString,
		sentAt: received.Sent, receiveCount: received.ReceiveCount,
		key: received.Group, grouped: received.Group != "",
	}
	return m, settle.Receipt{
		MessageID:     received.ID,
		Handle:        received.ReceiptHandle,
		Group:         received.Group,
		FirstReceived: timeOf(received.FirstReceived),
	}
}

// timeOf returns a time in Unix milliseconds, and the zero time for zero.
func timeOf(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}

// DecodeMessage verifies and decodes a received message as a [Consumer] does before
// it calls the handler. The results are those of [events.DecodeSigned].
func DecodeMessage(keys *signature.Keyring, received *types.Message) (*events.Event, events.Outcome, error) {
	own := sqscall.MessageOf(received)
	m, _ := newMessage(&own)
	return m.verifyAndDecode(keys)
}

func (m *message) verifyAndDecode(keys *signature.Keyring) (*events.Event, events.Outcome, error) {
	if m.attribute != nil {
		return nil, events.Rejected, errNotString
	}
	e, outcome, err := events.DecodeSigned(keys, m.body, m.signature)
	if e != nil {
		e.ReceiveCount = int(m.receiveCount)
	}
	return e, outcome, err
}

// signatureAttribute returns the attribute of the signature as it was received, or nil if
// there was none.
func (m *message) signatureAttribute() *types.MessageAttributeValue {
	if m.signature == "" {
		return m.attribute
	}
	attribute := sqscall.Text(m.signature)
	return &attribute
}

// dropEvent lets the collector take the event while the message is held: an event takes several
// times the memory of its body. recallEvent brings it back.
func (m *message) dropEvent() {
	m.event = weak.Make(m.decoded.Event)
	m.decoded.Event = nil
}

// recallEvent brings back the event of a message that was held: if the collector has taken it,
// it is decoded again.
func (m *message) recallEvent() (err error) {
	if m.decoded.Event == nil {
		m.decoded.Event = m.event.Value()
	}
	if m.decoded.Event == nil && m.decoded.Err == nil {
		m.decoded.Event, err = m.decodeAgain()
	}
	return err
}

// decodeAgain decodes a body that was verified and decoded before. It fails only if a handler
// has changed the body.
func (m *message) decodeAgain() (*events.Event, error) {
	e, err := events.Decode(m.body)
	if err != nil {
		return nil, fmt.Errorf("body has changed while the message was held: %w", err)
	}
	e.Signature, e.ReceiveCount = m.signature, int(m.receiveCount)
	return e, nil
}

// needsHandler reports whether the message is neither rejected nor malformed.
func (m *message) needsHandler() bool {
	return m.decoded.Err == nil || m.decoded.Outcome == events.Failed
}

// at returns the time by which messages of one call wait; zero for the order of arrival.
func (m *message) at() time.Time {
	if m.key == "" || m.grouped {
		return time.Time{}
	}
	return m.decoded.Event.Time
}

// A Result is the outcome of one message.
type Result struct {
	// MessageID is SQS's id of the message; empty on the HTTP transport.
	MessageID string
	// ReceiveCount is how often SQS has delivered the message, from 1; 0 on the
	// HTTP transport.
	ReceiveCount int
	// Outcome is one of the six outcomes.
	Outcome events.Outcome
	// Event is nil if the message was rejected, malformed or settled by an earlier
	// delivery.
	Event *events.Event
	// Err is why the message was not handled. It is nil if the message was handled,
	// ignored or a duplicate.
	Err error
	// Took is how long verifying, decoding and handling took.
	Took time.Duration
	// SentAt is when the message was sent to SQS; zero on the HTTP transport.
	SentAt time.Time
}

// Log writes one line about the message, with the fields of more: at debug level if the
// outcome is handled, ignored or duplicate, and as a warning otherwise. Both transports
// call it, and so may a transport of your own.
func (r Result) Log(log *zap.Logger, more ...zap.Field) {
	level := zapcore.WarnLevel
	if r.Outcome.Done() {
		level = zapcore.DebugLevel
	}
	entry := log.Check(level, "message "+r.Outcome.String())
	if entry == nil {
		return
	}
	var fields []zap.Field
	if r.MessageID != "" {
		fields = append(fields, zap.String("messageId", r.MessageID), zap.Int("receiveCount", r.ReceiveCount))
	}
	fields = append(fields, zap.Duration("took", r.Took))
	if e := r.Event; e != nil {
		fields = append(fields, zap.String("type", events.Brief(e.Type)), zap.String("id", events.Brief(e.ID)),
			zap.String("integrationId", events.Brief(e.IntegrationID)))
	}
	if r.Err != nil {
		fields = append(fields, zap.Error(r.Err))
	}
	if panicked, ok := errors.AsType[*events.PanicError](r.Err); ok {
		fields = append(fields, zap.ByteString("stack", panicked.Stack))
	}
	entry.Write(append(fields, more...)...)
}

// Trace sets the attributes and the status of the message's span, and ends it. Both
// transports call it, and so may a transport of your own. The only parts of the body in a
// span are the event's type, id and integration.
func (r Result) Trace(span trace.Span) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.String("wildix.outcome", r.Outcome.String()))
	if r.MessageID != "" {
		span.SetAttributes(attribute.String("messaging.message.id", r.MessageID), attribute.Int("wildix.receive_count", r.ReceiveCount))
	}
	if e := r.Event; e != nil {
		span.SetAttributes(attribute.String("wildix.event.type", e.Type), attribute.String("wildix.event.id", e.ID),
			attribute.String("wildix.integration_id", e.IntegrationID))
	}
	if r.Err != nil {
		// A collector refuses a whole request if one string in it is not valid UTF-8.
		span.SetStatus(codes.Error, strings.ToValidUTF8(r.Err.Error(), "\ufffd"))
	}
}
