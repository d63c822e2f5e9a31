package consumer

import (
	"context"
	"path"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Trace writes what became of a message on its span, and ends the span. It is what
// Log is to a log: the transports do it, and so may a transport of your own. As in a
// log there is nothing of the body but the event's type, id and integration.
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
		// A collector refuses all spans of a request if a text of one is not valid.
		span.SetStatus(codes.Error, strings.ToValidUTF8(r.Err.Error(), "\ufffd"))
	}
}

// startSpan returns the span of a message, or nil if there is no tracer. Its trace
// begins with it: the PBX sends none, and Run's context is of no message.
func (c *Consumer) startSpan() trace.Span {
	if c.cfg.Tracer == nil {
		return nil
	}
	queue := path.Base(queuePath(c.cfg.QueueURL))
	_, span := c.cfg.Tracer.Start(context.Background(), "process "+queue, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attribute.String("messaging.system", "aws_sqs"), attribute.String("messaging.operation.type", "process"),
			attribute.String("messaging.destination.name", queue)))
	return span
}

// endSpan tells a tracer, if there is one. A message that was settled by an earlier
// delivery has no span yet.
func (c *Consumer) endSpan(m *message, r Result) {
	if m.span == nil {
		m.span = c.startSpan()
	}
	if m.span != nil {
		r.Trace(m.span)
	}
}
