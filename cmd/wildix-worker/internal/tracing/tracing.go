// Package tracing sends the spans of messages and handlers to an OpenTelemetry collector,
// over HTTP or gRPC. OpenTelemetry's own environment variables configure it.
package tracing

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr/funcr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wildix-worker/consumer/tracing"
	"wildix-worker/events"
)

// stopTimeout is how long Stop waits for the last spans to be sent.
const stopTimeout = 3 * time.Second

// Tracing sends spans. Nil is tracing that is off: its methods do nothing.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	log      *zap.Logger
}

// Start begins to send spans, and sets OpenTelemetry's global error handler and logger. It
// returns nil if tracing is off. version is that of the program.
func Start(ctx context.Context, s Settings, version string, log *zap.Logger) (*Tracing, error) {
	if !s.on {
		return nil, nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("tracing error", zap.Error(err)) }))
	otel.SetLogger(funcr.New(func(_, args string) { log.Warn("tracing error", zap.String("detail", args)) }, funcr.Options{}))
	exporter, err := newExporter(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	program, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "wildix-worker"), attribute.String("service.version", version)),
		resource.WithFromEnv()) // the last attributes take precedence
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(newLoggedExporter(exporter, log)), sdktrace.WithResource(program))
	log.Info("sending traces", zap.String("endpoint", s.endpoint))
	return &Tracing{provider: provider, tracer: provider.Tracer("wildix-worker"), log: log}, nil
}

func newExporter(ctx context.Context, s Settings) (sdktrace.SpanExporter, error) {
	if s.grpc {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx, otlptracehttp.WithHTTPClient(httpClient(s)))
}

// httpClient returns a client like the exporter's own, but one that follows no redirects. OTLP
// has none, and the headers, which may contain a password, would be sent to another server.
func httpClient(s Settings) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = s.tls
	return &http.Client{
		Transport:     transport,
		Timeout:       s.timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Tracer returns the tracer, or nil if tracing is off.
func (t *Tracing) Tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.tracer
}

// Handler returns a middleware that makes a span for each call of the handler.
func (t *Tracing) Handler(name string) events.Middleware { return tracing.Handler(t.Tracer(), name) }

// Stop sends the remaining spans, for at most three seconds. It logs if spans can't be sent,
// but returns no error, so that they do not change the program's exit code.
func (t *Tracing) Stop() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil { // an export's failure is logged by loggedExporter
		t.log.Warn("the last traces can't be sent; spans are lost", zap.Error(err))
	}
}
