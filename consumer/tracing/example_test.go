package tracing_test

import (
	"context"
	"log"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"wildix-worker/consumer"
	"wildix-worker/consumer/tracing"
	"wildix-worker/events"
)

// Messages and handlers as spans, sent to the collector that OpenTelemetry's own
// environment variables name.
func ExampleHandler() {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	defer provider.Shutdown(ctx)
	tracer := provider.Tracer("calls")

	crm := events.HandlerFunc(func(context.Context, *events.Event) error { return nil })
	_ = consumer.Config{
		Handler: tracing.Handler(tracer, "crm")(crm),
		Tracer:  tracer,
		// ...
	}
}
