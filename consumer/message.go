package consumer

import (
	"cmp"
	"encoding/hex"
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

	"wildix-worker/consumer/internal/settle"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

var errNotString = errors.New("the attribute " + sqscall.SignatureAttribute + " is not a String")

// A message is one delivery of a message. One goroutine at a time uses it: the poller
// that received it, then a worker. Thousands are kept while they are held, so it is small: what
// is not needed while a message is held is in its work.
type message struct {
	consumer *Consumer
	lease    settle.Lease // has the id and the receipt handle

	body          []byte
	texts         string // the signature, then the key
	signatureSize int32  // in texts; zero if there is none
	receiveCount  int32
	sentAt        int64 // in Unix milliseconds; zero if unknown
	place         int32 // among the held messages, from 1; zero if it is not one of them
	grouped       bool  // the key is its group of a FIFO queue
	followed      bool  // a message of its FIFO group that can be handled came with it
	packed        bool  // the signature is in bytes instead of hexadecimal

	// current is the *work, or while the message is held maybe the events.HeldState that is all
	// that is kept of its delivery. It is nil if there is neither.
	current any
	event   weak.Pointer[events.Event] // of the work, while the message is held for a short time
}

// A work is what is needed of a message while it is verified, decoded, handled or settled.
type work struct {
	decoded
	attribute *types.MessageAttributeValue // of the signature, if that is not a String
	span      trace.Span                   // nil without a tracer
	delivery  events.Delivery
	holdErr   error // why the message was last held
}

// work returns the work, which is empty at first. After it was dropped, it has the delivery.
func (m *message) work() *work {
	if w, ok := m.current.(*work); ok {
		return w
	}
	w := &work{}
	if kept, ok := m.current.(events.HeldState); ok {
		w.delivery.GoOn(kept)
	}
	m.current = w
	return w
}

// endDelivery ends the delivery.
func (m *message) endDelivery() {
	switch current := m.current.(type) {
	case *work:
		current.delivery.End()
	case events.HeldState:
		current.DeliveryEnded()
		m.current = nil
	}
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
		body: received.Body, texts: received.Texts, signatureSize: int32(received.SignatureSize),
		sentAt: received.Sent, receiveCount: received.ReceiveCount, grouped: received.Group() != "",
	}
	if received.NotString != nil {
		m.work().attribute = received.NotString
	}
	return m, settle.Receipt{
		Text:          received.Receipt,
		IDSize:        received.IDSize,
		Group:         received.Group(),
		FirstReceived: timeOf(received.FirstReceived),
	}
}

// setTexts copies the texts into one piece of memory.
func (m *message) setTexts(signature, key string) {
	var texts strings.Builder
	texts.Grow(len(signature) + len(key))
	texts.WriteString(signature)
	texts.WriteString(key)
	m.texts, m.signatureSize = texts.String(), int32(len(signature))
}

// signature returns the signature, or an empty text if there is none.
func (m *message) signature() string {
	text := m.texts[:m.signatureSize]
	if m.packed {
		return hex.EncodeToString([]byte(text))
	}
	return text
}

// packSignature halves the memory of a signature that is as the PBX writes it.
func (m *message) packSignature() {
	if m.packed {
		return
	}
	binary, err := hex.DecodeString(m.signature())
	if err == nil && hex.EncodeToString(binary) == m.signature() { // or it could not come back
		m.setTexts(string(binary), m.key())
		m.packed = true
	}
}

// key returns the key of which one message at a time is handled. It is empty if the message
// need not wait for others.
func (m *message) key() string { return m.texts[m.signatureSize:] }

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
	if m.work().attribute != nil {
		return nil, events.Rejected, errNotString
	}
	e, outcome, err := events.DecodeSigned(keys, m.body, m.signature())
	if e != nil {
		e.ReceiveCount = int(m.receiveCount)
	}
	return e, outcome, err
}

// signatureAttribute returns the attribute of the signature as it was received, or nil if
// there was none.
func (m *message) signatureAttribute() *types.MessageAttributeValue {
	if m.signatureSize == 0 {
		return m.work().attribute
	}
	attribute := sqscall.Text(m.signature())
	return &attribute
}

// dropWork lets the collector take the work while the message is held: an event takes several
// times the memory of its body. recallWork brings it back. hold is the error of the handler, or
// nil if it was not called yet.
func (m *message) dropWork(hold error) {
	m.packSignature()
	w := m.work()
	m.event = weak.Pointer[events.Event]{}
	if hold == nil || events.IsBusy(hold) { // or it is not worth the memory: an outage outlasts a collection
		m.event = weak.Make(w.Event)
	}
	w.Event = nil
	w.holdErr = cmp.Or(errors.Unwrap(hold), hold) // which does not keep the hold itself
	if w.Err != nil || w.span != nil {
		return
	}
	if kept := w.delivery.Held(hold); kept != nil {
		m.current = kept
	} else if hold == nil {
		m.current = nil
	}
}

// holdReason returns why the message is held.
func (m *message) holdReason() error {
	if kept, ok := m.current.(events.HeldState); ok {
		return kept.Reason()
	}
	return m.work().holdErr
}

// recallWork brings back the work of a message that was held: if the collector has taken the
// event, it is decoded again.
func (m *message) recallWork() (err error) {
	w := m.work()
	if w.Event == nil {
		w.Event = m.event.Value()
	}
	if w.Event == nil && w.Err == nil {
		begun := time.Now()
		w.Event, err = m.decodeAgain()
		w.Took += time.Since(begun)
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
	e.Signature, e.ReceiveCount = m.signature(), int(m.receiveCount)
	return e, nil
}

// needsHandler reports whether the message is neither rejected nor malformed.
func (m *message) needsHandler() bool {
	return m.work().Err == nil || m.work().Outcome == events.Failed
}

// at returns the time by which messages of one call wait; zero for the order of arrival.
func (m *message) at() time.Time {
	if m.key() == "" || m.grouped {
		return time.Time{}
	}
	return m.work().Event.Time
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
