package metrics_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"wildix-worker/consumer"
	"wildix-worker/consumer/metrics"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
	"wildix-worker/signature"
)

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want compares metrics with those of the text, in the exposition format.
func want(t *testing.T, registry *prometheus.Registry, text string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(registry, strings.NewReader(text), names...); err != nil {
		t.Error(err)
	}
}

func TestOutcomesAndAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		m := metrics.New(registry)
		now := time.Now()
		m.Observe(consumer.Result{Outcome: events.Handled, Event: &events.Event{Type: events.CallEnd, Time: now.Add(-2 * time.Second)}, SentAt: now.Add(-time.Second), Took: 3 * time.Millisecond})
		m.Observe(consumer.Result{Outcome: events.Handled, Event: &events.Event{Type: events.CallEnd, Time: now.Add(time.Hour)}})
		m.Observe(consumer.Result{Outcome: events.Failed, Event: &events.Event{Type: "made:up", Time: now}})
		m.Observe(consumer.Result{Outcome: events.Rejected})
		want(t, registry, `
# HELP wildix_messages_total Messages and requests by outcome.
# TYPE wildix_messages_total counter
wildix_messages_total{outcome="failed",type="none"} 0
wildix_messages_total{outcome="failed",type="other"} 1
wildix_messages_total{outcome="handled",type="call:end"} 2
wildix_messages_total{outcome="malformed",type="none"} 0
wildix_messages_total{outcome="rejected",type="none"} 1
`, "wildix_messages_total")
		for name, sum := range map[string]float64{"wildix_event_age_seconds": 2, "wildix_message_age_seconds": 1, "wildix_handling_seconds": 0.003} {
			if got := sumOf(t, registry, name); got < sum-1e-9 || got > sum+1e-9 {
				t.Errorf("%s has the sum %g, want %g", name, got, sum)
			}
		}
	})
}

// sumOf returns the sum of a histogram without labels, or of its first series.
func sumOf(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	fatal(t, err)
	for _, family := range families {
		if family.GetName() == name {
			return family.Metric[0].GetHistogram().GetSampleSum()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestHandlerFailuresAndDurationsAreMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		m := metrics.New(registry)
		h := m.Handler("crm")(events.HandlerFunc(func(_ context.Context, e *events.Event) error {
			time.Sleep(time.Second)
			if e.ID == "panic" {
				panic("oh")
			}
			return errors.New("down")
		}))
		for _, id := range []string{"error", "panic"} {
			if outcome, err := events.Dispatch(t.Context(), h, &events.Event{ID: id}); outcome != events.Failed || err == nil {
				t.Errorf("%s: %s, %v", id, outcome, err)
			}
		}
		go h.HandleEvent(t.Context(), &events.Event{})
		synctest.Wait()
		want(t, registry, `
# HELP wildix_handlers_running Calls of a handler that are running.
# TYPE wildix_handlers_running gauge
wildix_handlers_running{handler="crm"} 1
# HELP wildix_handler_failures_total Calls of a handler that returned an error or panicked.
# TYPE wildix_handler_failures_total counter
wildix_handler_failures_total{handler="crm"} 2
`, "wildix_handlers_running", "wildix_handler_failures_total")
		if got := sumOf(t, registry, "wildix_handler_seconds"); got != 2 {
			t.Errorf("the handler took %g s, want 2", got)
		}
		time.Sleep(time.Second)
	})
}

func TestHeldEventIsNoFailure(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := metrics.New(registry)
	h := m.Handler("crm")(events.HandlerFunc(func(context.Context, *events.Event) error {
		return events.Hold(func(func()) {}, errors.New("busy"))
	}))
	if err := h.HandleEvent(t.Context(), &events.Event{}); !events.IsHold(err) {
		t.Errorf("got %v, want a hold", err)
	}
	want(t, registry, `
# HELP wildix_handler_failures_total Calls of a handler that returned an error or panicked.
# TYPE wildix_handler_failures_total counter
wildix_handler_failures_total{handler="crm"} 0
`, "wildix_handler_failures_total")
}

func TestIgnoredAndDuplicateAreNotFailures(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := metrics.New(registry)
	for err, outcome := range map[error]events.Outcome{nil: events.Handled, events.ErrNoHandler: events.Ignored, events.ErrDuplicate: events.Duplicate} {
		h := m.Handler("crm")(events.HandlerFunc(func(context.Context, *events.Event) error { return err }))
		if got, _ := events.Dispatch(t.Context(), h, &events.Event{}); got != outcome {
			t.Errorf("a handler that returns %v: %s, want %s", err, got, outcome)
		}
	}
	want(t, registry, `
# HELP wildix_handler_failures_total Calls of a handler that returned an error or panicked.
# TYPE wildix_handler_failures_total counter
wildix_handler_failures_total{handler="crm"} 0
`, "wildix_handler_failures_total")
}

func TestReceiverMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	metrics.New(registry).Receiver(func() webhook.Stats { return webhook.Stats{InFlight: 3, Refused: 2} })
	want(t, registry, `
# HELP wildix_requests_in_flight HTTP requests being read or handled.
# TYPE wildix_requests_in_flight gauge
wildix_requests_in_flight 3
# HELP wildix_requests_refused_total HTTP requests refused because there were too many, or too many large bodies.
# TYPE wildix_requests_refused_total counter
wildix_requests_refused_total 2
`, "wildix_requests_in_flight", "wildix_requests_refused_total")
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestConsumerStatsAreExported(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	metrics.New(registry).Consumer(func() consumer.Stats {
		return consumer.Stats{
			Deleted: 1, Returned: 2, Quarantined: 3, Left: 4,
			LeasesExtended: 5, LeasesLost: 6, DeletesFailed: 7, InHand: 8, Held: 11, HeldBytes: 12, Overdue: 13, MaxHeld: 14, MaxHeldBytes: 15,
			Requests: map[string]consumer.Requests{"receive": {Succeeded: 9, Failed: 10}},
			Answered: time.Unix(1693389853, 0),
		}
	})
	want(t, registry, `
# HELP wildix_deletes_failed_total Deletes that failed and were tried again.
# TYPE wildix_deletes_failed_total counter
wildix_deletes_failed_total 7
# HELP wildix_handlers_overdue Handlers that have not returned a minute after their context ended.
# TYPE wildix_handlers_overdue gauge
wildix_handlers_overdue 13
# HELP wildix_last_receive_timestamp_seconds Time of the latest answer to a receive.
# TYPE wildix_last_receive_timestamp_seconds gauge
wildix_last_receive_timestamp_seconds 1.693389853e+09
# HELP wildix_leases_extended_total Leases extended.
# TYPE wildix_leases_extended_total counter
wildix_leases_extended_total 5
# HELP wildix_leases_lost_total Leases that ended before their message was settled.
# TYPE wildix_leases_lost_total counter
wildix_leases_lost_total 6
# HELP wildix_messages_held Messages received and held until a destination can take them or an earlier one is settled.
# TYPE wildix_messages_held gauge
wildix_messages_held 11
# HELP wildix_messages_held_bytes Size of the bodies of held messages.
# TYPE wildix_messages_held_bytes gauge
wildix_messages_held_bytes 12
# HELP wildix_messages_held_bytes_limit How large the bodies of held messages may be.
# TYPE wildix_messages_held_bytes_limit gauge
wildix_messages_held_bytes_limit 15
# HELP wildix_messages_held_limit How many messages may be held.
# TYPE wildix_messages_held_limit gauge
wildix_messages_held_limit 14
# HELP wildix_messages_in_hand Messages received and not settled.
# TYPE wildix_messages_in_hand gauge
wildix_messages_in_hand 8
# HELP wildix_messages_settled_total Messages deleted, returned, quarantined or left.
# TYPE wildix_messages_settled_total counter
wildix_messages_settled_total{how="deleted"} 1
wildix_messages_settled_total{how="left"} 4
wildix_messages_settled_total{how="quarantined"} 3
wildix_messages_settled_total{how="returned"} 2
# HELP wildix_sqs_requests_total SQS calls.
# TYPE wildix_sqs_requests_total counter
wildix_sqs_requests_total{operation="receive",result="failed"} 10
wildix_sqs_requests_total{operation="receive",result="succeeded"} 9
`, "wildix_deletes_failed_total", "wildix_last_receive_timestamp_seconds", "wildix_leases_extended_total",
		"wildix_leases_lost_total", "wildix_messages_in_hand", "wildix_messages_settled_total",
		"wildix_messages_held", "wildix_messages_held_bytes", "wildix_messages_held_limit", "wildix_messages_held_bytes_limit", "wildix_handlers_overdue", "wildix_sqs_requests_total")
}

// TestConsumerMetrics runs a consumer on the embedded queue.
func TestConsumerMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sqslocal.New(sqslocal.Options{})
		srv.StartPipe()
		defer srv.Close()
		url, err := srv.CreateQueue("calls", nil)
		fatal(t, err)
		keys, err := signature.NewKeyring(signature.Key{Secret: "a secret"})
		fatal(t, err)
		registry := prometheus.NewPedanticRegistry()
		m := metrics.New(registry)
		handler := events.HandlerFunc(func(context.Context, *events.Event) error { return nil })
		c, err := consumer.New(srv.Client(), consumer.Config{QueueURL: url, Keys: keys, Handler: handler, Observe: m.Observe})
		fatal(t, err)
		m.Consumer(c.Stats)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		want(t, registry, `
# HELP wildix_polls Receives that are running.
# TYPE wildix_polls gauge
wildix_polls 1
# HELP wildix_receives_empty_total Receives without a message.
# TYPE wildix_receives_empty_total counter
wildix_receives_empty_total 1
# HELP wildix_messages_in_hand Messages received and not settled.
# TYPE wildix_messages_in_hand gauge
wildix_messages_in_hand 0
`, "wildix_polls", "wildix_receives_empty_total", "wildix_messages_in_hand")
		problems, err := testutil.GatherAndLint(registry)
		fatal(t, err)
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
		stop()
		fatal(t, <-done)
	})
}

func BenchmarkObserve(b *testing.B) {
	m := metrics.New(prometheus.NewRegistry())
	r := consumer.Result{Outcome: events.Handled, Event: &events.Event{Type: events.CallEnd, Time: time.Now()}, SentAt: time.Now(), Took: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		m.Observe(r)
	}
}

func BenchmarkHandler(b *testing.B) {
	h := metrics.New(prometheus.NewRegistry()).Handler("crm")(events.HandlerFunc(func(context.Context, *events.Event) error { return nil }))
	b.ReportAllocs()
	for b.Loop() {
		h.HandleEvent(b.Context(), nil)
	}
}
