package consumer

import (
	"context"
	"path"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// startSpan returns the span of a message, or nil without a tracer. The span starts a new
// trace, since the PBX sends no trace context and Run's context belongs to no message.
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

// endSpan ends the span of a message, if there is a tracer. A message that was settled by
// an earlier delivery gets its span only here.
func (c *Consumer) endSpan(m *message, r Result) {
	if m.span == nil {
		m.span = c.startSpan()
	}
	if m.span != nil {
		r.Trace(m.span)
	}
}
