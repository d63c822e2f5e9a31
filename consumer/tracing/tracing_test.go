package tracing_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"wildix-worker/consumer/tracing"
	"wildix-worker/events"
)

// recorded calls the handler with a tracer, and returns the span that it made.
func recorded(t *testing.T, h events.HandlerFunc) (span sdktrace.ReadOnlySpan, err error) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("test")
	handler := tracing.Handler(tracer, "crm")(h)
	done := make(chan struct{})
	go func() { // a handler may end its goroutine
		defer close(done)
		err = handler.HandleEvent(t.Context(), &events.Event{Type: events.CallEnd})
	}()
	<-done
	ended := recorder.Ended()
	if len(ended) != 1 || ended[0].Name() != "crm" {
		t.Fatalf("spans %v, want one named crm", ended)
	}
	return ended[0], err
}

func TestHandlerSpanHasOutcome(t *testing.T) {
	for name, test := range map[string]struct {
		handle  events.HandlerFunc
		outcome string
		status  sdktrace.Status
	}{
		"success": {func(context.Context, *events.Event) error { return nil }, "handled", sdktrace.Status{}},
		"ignored": {func(context.Context, *events.Event) error { return events.ErrNoHandler }, "ignored", sdktrace.Status{}},
		"failure": {func(context.Context, *events.Event) error { return errors.New("no answer") },
			"failed", sdktrace.Status{Code: codes.Error, Description: "no answer"}},
		"invalid UTF-8": {func(context.Context, *events.Event) error { return errors.New("caf\xe9") },
			"failed", sdktrace.Status{Code: codes.Error, Description: "caf\ufffd"}},
		"Goexit": {func(context.Context, *events.Event) error { runtime.Goexit(); return nil }, "failed", sdktrace.Status{}},
	} {
		t.Run(name, func(t *testing.T) {
			span, _ := recorded(t, test.handle)
			if attributes := span.Attributes(); len(attributes) != 1 || attributes[0].Key != "wildix.outcome" || attributes[0].Value.AsString() != test.outcome {
				t.Errorf("attributes %v, want outcome %s", attributes, test.outcome)
			}
			if span.Status() != test.status {
				t.Errorf("status %v, want %v", span.Status(), test.status)
			}
		})
	}
}

func TestOutcomeIsPassedOn(t *testing.T) {
	tracer := sdktrace.NewTracerProvider().Tracer("test")
	for err, want := range map[error]events.Outcome{nil: events.Handled, events.ErrNoHandler: events.Ignored, events.ErrDuplicate: events.Duplicate} {
		h := tracing.Handler(tracer, "crm")(events.HandlerFunc(func(context.Context, *events.Event) error { return err }))
		if got, _ := events.Dispatch(t.Context(), h, &events.Event{}); got != want {
			t.Errorf("a handler's %v is %v, want %v", err, got, want)
		}
	}
}

func TestHandlerErrorIsPassedOn(t *testing.T) {
	failure := errors.New("no answer")
	if _, err := recorded(t, func(context.Context, *events.Event) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
}

func TestHandlerContextCarriesSpan(t *testing.T) {
	var within trace.SpanContext
	span, _ := recorded(t, func(ctx context.Context, _ *events.Event) error {
		within = trace.SpanContextFromContext(ctx)
		return nil
	})
	if !within.Equal(span.SpanContext()) {
		t.Errorf("the handler's span is %v, want %v", within, span.SpanContext())
	}
}

func TestNilTracerReturnsSameHandler(t *testing.T) {
	mux := &events.Mux{}
	if got := tracing.Handler(nil, "crm")(mux); got != events.Handler(mux) {
		t.Errorf("handler %T, want the one passed in", got)
	}
}
