package tracing

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"
)

// maxLogged cuts an error for the log, which may quote a collector's answer of megabytes.
const maxLogged = 1000

// A loggedExporter logs when exports begin to fail and when they succeed again, instead
// of each failure.
type loggedExporter struct {
	sdktrace.SpanExporter
	log  *zap.Logger
	lost int // spans since exports began to fail
}

// ExportSpans returns nil even if it fails: the SDK would log each error. It is not called
// concurrently.
func (e *loggedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil:
		if e.lost == 0 {
			e.log.Warn("traces are not delivered; spans are lost", zap.String("error", shortened(err.Error())))
		}
		e.lost += len(spans)
	case e.lost > 0:
		e.log.Info("traces are delivered again", zap.Int("lost", e.lost))
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
