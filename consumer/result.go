package consumer

import (
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wildix-worker/events"
)

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
		fields = append(fields, zap.String("type", e.Type), zap.String("id", e.ID), zap.String("integrationId", e.IntegrationID))
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
