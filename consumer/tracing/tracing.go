// Package tracing makes an OpenTelemetry span of each call of a handler.
//
// The spans of messages come from the transports, which take a tracer in their Config;
// a handler's span is the child of its message's:
//
//	tracer := provider.Tracer("calls")
//	cfg.Handler = tracing.Handler(tracer, "crm")(handler)
//	cfg.Tracer = tracer
package tracing

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"wildix-worker/events"
)

// Handler returns a middleware that records each call of a handler as a span with the
// given name. The span's attribute wildix.outcome is the outcome of the event, and a
// failure sets the span's status to its error. The handler's context carries the span.
// A nil tracer records nothing and costs nothing.
func Handler(tracer trace.Tracer, name string) events.Middleware {
	return func(next events.Handler) events.Handler {
		if tracer == nil {
			return next
		}
		return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
			ctx, span := tracer.Start(ctx, name)
			outcome, err := events.Failed, error(nil)
			// Deferred, so that the span also ends when the handler calls runtime.Goexit.
			defer func() { end(span, outcome, err) }()
			switch outcome, err = events.Dispatch(ctx, next, e); outcome {
			case events.Ignored:
				return events.ErrNoHandler
			case events.Duplicate:
				return events.ErrDuplicate
			default:
				return err
			}
		})
	}
}

func end(span trace.Span, outcome events.Outcome, err error) {
	span.SetAttributes(attribute.String("wildix.outcome", outcome.String()))
	if err != nil && !outcome.Done() {
		// A collector refuses a whole request if one string in it is not valid UTF-8.
		span.SetStatus(codes.Error, strings.ToValidUTF8(err.Error(), "\ufffd"))
	}
	span.End()
}
