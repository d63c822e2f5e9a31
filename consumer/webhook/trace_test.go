package webhook_test

import (
	"context"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
)

func TestEveryRequestWithAnOutcomeHasOneSpan(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	var inHandler trace.SpanContext
	cfg := webhook.Config{Tracer: provider.Tracer("test"), Handler: events.HandlerFunc(func(ctx context.Context, _ *events.Event) error {
		inHandler = trace.SpanContextFromContext(ctx)
		return nil
	})}
	withServer(t, cfg, func(s *testServer) {
		s.want(s.send("call-1"), 204)
		s.want(s.post(s.t.Context(), event("call-2"), "forged"), 401)
		s.want(s.post(s.t.Context(), event("call-3"), ""), 401)
		s.wantOutcomes("handled rejected rejected")
	})
	outcomes := make(map[string]int)
	for _, span := range recorder.Ended() {
		for _, a := range span.Attributes() {
			if a.Key != "wildix.outcome" {
				continue
			}
			outcomes[a.Value.String()]++
			if a.Value.String() == "handled" && !inHandler.Equal(span.SpanContext()) {
				t.Error("the handler saw another span")
			}
		}
		if span.SpanKind() != trace.SpanKindServer {
			t.Errorf("kind %s", span.SpanKind())
		}
	}
	if len(recorder.Ended()) != 3 || outcomes["handled"] != 1 || outcomes["rejected"] != 2 {
		t.Errorf("spans of %v", outcomes)
	}
}
