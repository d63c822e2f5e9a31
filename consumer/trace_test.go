package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// traced returns a recorder, and an option that records spans.
func traced() (*tracetest.SpanRecorder, func(*consumer.Config)) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	return recorder, func(cfg *consumer.Config) { cfg.Tracer = provider.Tracer("test") }
}

// attributesOf are those of a span, as text.
func attributesOf(span sdktrace.ReadOnlySpan) map[string]string {
	all := make(map[string]string)
	for _, a := range span.Attributes() {
		all[string(a.Key)] = a.Value.String()
	}
	return all
}

func TestEveryMessageWithAnOutcomeHasOneSpan(t *testing.T) {
	within(t, queueName, func(s *site) {
		recorder, tracing := traced()
		s.send("good", "bad")
		s.sendRaw("not JSON of +12025550100", signed("not JSON of +12025550100"))
		s.sendRaw(body("forged"), nil)
		s.start(func(_ context.Context, e *events.Event) error {
			time.Sleep(time.Second)
			if e.ID == "bad" {
				return events.Permanent(errDown)
			}
			return nil
		}, tracing)
		time.Sleep(5 * time.Second)
		s.wantOutcomes("failed 1 handled 1 malformed 1 rejected 1")

		byOutcome := make(map[string]sdktrace.ReadOnlySpan)
		for _, span := range recorder.Ended() {
			attributes := attributesOf(span)
			byOutcome[attributes["wildix.outcome"]] = span
			if span.Name() != "process calls" || span.SpanKind() != trace.SpanKindConsumer || attributes["messaging.system"] != "aws_sqs" ||
				attributes["messaging.message.id"] == "" || attributes["wildix.receive_count"] != "1" {
				t.Errorf("%s: %v", span.Name(), attributes)
			}
			if text := fmt.Sprint(attributes, span.Status()); strings.Contains(text, "2025550100") {
				t.Errorf("a phone number is in the span: %s", text)
			}
		}
		if got := slices.Sorted(maps.Keys(byOutcome)); len(recorder.Ended()) != 4 || len(got) != 4 {
			t.Fatalf("%d spans, of %v", len(recorder.Ended()), got)
		}
		if good := byOutcome["handled"]; attributesOf(good)["wildix.event.id"] != "good" || good.Status().Code != codes.Unset || good.EndTime().Sub(good.StartTime()) != time.Second {
			t.Errorf("%v, %v", attributesOf(good), good.Status())
		}
		if bad := byOutcome["failed"]; attributesOf(bad)["wildix.event.id"] != "bad" || bad.Status().Code != codes.Error || !strings.HasSuffix(bad.Status().Description, errDown.Error()) {
			t.Errorf("%v, %v", attributesOf(bad), bad.Status())
		}
	})
}

func TestHandlerContextHasTheSpanOfItsMessage(t *testing.T) {
	within(t, queueName, func(s *site) {
		recorder, tracing := traced()
		var mu sync.Mutex
		inHandler := make(map[string]trace.SpanContext)
		s.send(ids(3)...)
		s.start(func(ctx context.Context, e *events.Event) error {
			mu.Lock()
			defer mu.Unlock()
			inHandler[e.ID] = trace.SpanContextFromContext(ctx)
			return nil
		}, tracing)
		time.Sleep(time.Second)
		s.wantOutcomes("handled 3")
		traces := make(map[trace.TraceID]bool)
		for _, span := range recorder.Ended() {
			if id := attributesOf(span)["wildix.event.id"]; !inHandler[id].Equal(span.SpanContext()) {
				t.Errorf("%s: the handler saw another span", id)
			}
			traces[span.SpanContext().TraceID()] = true
		}
		if len(traces) != 3 {
			t.Errorf("%d traces of 3 messages", len(traces))
		}
	})
}

func TestEachReceiveIsOneSpan(t *testing.T) {
	within(t, queueName, func(s *site) {
		recorder, tracing := traced()
		var down atomic.Bool
		down.Store(true)
		s.send("call-1")
		s.start(func(context.Context, *events.Event) error {
			if down.Load() {
				return errDown
			}
			return nil
		}, tracing)
		time.Sleep(time.Second)
		s.wantOutcomes("failed 1")
		down.Store(false)
		time.Sleep(time.Minute)
		s.wantOutcomes("failed 1 handled 1")
		var counts []string
		for _, span := range recorder.Ended() {
			counts = append(counts, attributesOf(span)["wildix.receive_count"])
		}
		if !slices.Equal(counts, []string{"1", "2"}) {
			t.Errorf("spans of receives %v", counts)
		}
	})
}

// A collector refuses a whole request if one string in it is not valid UTF-8.
func TestSpanTextIsValidUTF8(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	_, span := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("test").Start(t.Context(), "process calls")
	consumer.Result{Outcome: events.Failed, Err: errors.New("caf\xe9")}.Trace(span)
	if got := recorder.Ended()[0].Status().Description; got != "caf\ufffd" {
		t.Errorf("status %q", got)
	}
}
