package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/otlp"
	"wildix-worker/events"
)

// tracesTimeout is what the last spans get at a stop.
const tracesTimeout = 3 * time.Second

// tracing sends spans to a collector.
type tracing struct {
	settings otlp.Settings
	on       bool
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer // nil unless tracing is on
	log      *zap.Logger
}

// newTracing reads OpenTelemetry's own variables; there are no others.
func newTracing(wrong *faults) *tracing {
	settings, on, err := otlp.FromEnvironment()
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			*wrong = append(*wrong, err.Error())
		}
	}
	if _, err := resource.New(context.Background(), resource.WithFromEnv()); on && err != nil {
		wrong.add("OTEL_RESOURCE_ATTRIBUTES", errors.New("not NAME=VALUE pairs with commas between them, percent-encoded"))
	}
	return &tracing{settings: settings, on: on}
}

// start begins to send, if that is asked for.
func (t *tracing) start(ctx context.Context, log *zap.Logger) error {
	if !t.on {
		return nil
	}
	exporter, err := otlptrace.New(ctx, otlp.New(t.settings))
	if err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "wildix-worker"), attribute.String("service.version", version())),
		resource.WithFromEnv()) // the last one goes first
	if err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("tracing", zap.Error(err)) }))
	t.provider = sdktrace.NewTracerProvider(sdktrace.WithBatcher(&told{SpanExporter: exporter, log: log}), sdktrace.WithResource(about))
	t.tracer, t.log = t.provider.Tracer("wildix-worker"), log
	log.Info("traces", zap.String("endpoint", t.settings.Endpoint()))
	return nil
}

// stop sends what is left. Spans that can't be sent are not worth an exit code.
func (t *tracing) stop() {
	if t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tracesTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil { // what the collector answers, told has said
		t.log.Warn("the last traces are not delivered; spans are lost", zap.Error(err))
	}
}

// handler returns a middleware that makes a span of each call of a handler.
func (t *tracing) handler(name string) events.Middleware {
	return func(next events.Handler) events.Handler {
		if t.tracer == nil {
			return next
		}
		return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
			ctx, span := t.tracer.Start(ctx, name)
			outcome, err := events.Failed, error(nil)
			defer func() { // also when the handler ends its goroutine
				span.SetAttributes(attribute.String("wildix.outcome", outcome.String()))
				if err != nil && !outcome.Done() {
					span.SetStatus(codes.Error, strings.ToValidUTF8(err.Error(), "\ufffd"))
				}
				span.End()
			}()
			outcome, err = events.Dispatch(ctx, next, e)
			return err
		})
	}
}

// told is an exporter that logs when sending begins to fail and when it succeeds
// again, instead of every failure.
type told struct {
	sdktrace.SpanExporter
	log  *zap.Logger
	lost int // spans, since sending began to fail
}

// ExportSpans is called by one at a time.
func (t *told) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := t.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil:
		if t.lost == 0 {
			t.log.Warn("traces are not delivered; spans are lost", zap.Error(err))
		}
		t.lost += len(spans)
	case t.lost > 0:
		t.log.Info("traces are delivered again", zap.Int("lost", t.lost))
		t.lost = 0
	}
	return nil
}
