package tracing

import (
	"context"
	"errors"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"

	"wildix-worker/internal/outage"
)

// maxLogged is how many bytes of an error are logged. An error may quote a collector's
// response of megabytes.
const maxLogged = 1000

// A loggedExporter logs when exports begin to fail and when they succeed again, instead
// of each failure.
type loggedExporter struct {
	sdktrace.SpanExporter
	outage *outage.Log
	lost   int // spans since exports began to fail
}

func newLoggedExporter(exporter sdktrace.SpanExporter, log *zap.Logger) *loggedExporter {
	return &loggedExporter{SpanExporter: exporter, outage: outage.New(outage.Config{
		Logger:  log,
		Failing: "traces can't be sent; spans are lost",
		Level:   zap.WarnLevel,
		Working: "traces are sent again",
	})}
}

// ExportSpans returns nil even if it fails: the SDK would log each error. It is not called
// concurrently.
func (e *loggedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.outage.Failed(errors.New(shortened(err.Error())))
		e.lost += len(spans)
	} else {
		e.outage.Succeeded(zap.Int("lost", e.lost))
		e.lost = 0
	}
	return nil
}

func shortened(text string) string {
	if len(text) <= maxLogged {
		return text
	}
	return text[:maxLogged] + "..."
}
