package forward_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"wildix-worker/events"
	"wildix-worker/events/handlers/forward"
	"wildix-worker/events/template"
	"wildix-worker/signature"
)

func TestEventIsSentAsItWasSigned(t *testing.T) {
	s := serve(t, nil)
	e := event(t, "call-end.json")
	if err := to(t, s).HandleEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	s.wantRequests(t, 1)
	got := s.requests()[0]
	if got.method != http.MethodPost || got.path != "/services/T000/B000/hidden" || got.body != string(e.Raw) {
		t.Errorf("%s %s\n%s\nwant a POST of\n%s", got.method, got.path, got.body, e.Raw)
	}
	if err := signature.Verify(pbxSecret, []byte(got.body), got.header.Get("X-Signature")); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{
		"Idempotency-Key":        e.DeliveryKey(),
		"X-Wildix-Event":         "call:end",
		"X-Wildix-Receive-Count": "3",
		"Content-Type":           "application/json",
		"User-Agent":             "wildix-worker",
	} {
		if value := got.header.Get(name); value != want {
			t.Errorf("%s: %s, want %s", name, value, want)
		}
	}
}

func TestSpanIsPassedOnAsTraceparent(t *testing.T) {
	s := serve(t, nil)
	ctx, span := sdktrace.NewTracerProvider().Tracer("test").Start(t.Context(), "forward")
	if err := to(t, s).HandleEvent(ctx, event(t, "call-end.json")); err != nil {
		t.Fatal(err)
	}
	if err := to(t, s).HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("00-%s-%s-01", span.SpanContext().TraceID(), span.SpanContext().SpanID())
	if got := s.requests()[0].header.Get("Traceparent"); got != want {
		t.Errorf("traceparent %q, want %q", got, want)
	}
	if got := s.requests()[1].header.Get("Traceparent"); got != "" {
		t.Errorf("traceparent %q without a span", got)
	}
}

func TestSecretSignsTheRequestBody(t *testing.T) {
	made, err := template.Parse(`{"id": {{json .ID}}}`)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]*template.Template{"the event": nil, "a template's body": made} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			h := newHandler(t, forward.Config{URL: s.URL, Secret: "another", Template: body})
			if err := h.HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
				t.Fatal(err)
			}
			got := s.requests()[0]
			if err := signature.Verify("another", []byte(got.body), got.header.Get("X-Signature")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTemplateOutputHasNoSignatureOfThePBX(t *testing.T) {
	made, err := template.Parse(`{"id": {{json .ID}}}`)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, nil)
	h := newHandler(t, forward.Config{URL: s.URL, Template: made})
	if err := h.HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
		t.Fatal(err)
	}
	if got := s.requests()[0]; got.body != `{"id": "it_w118741_1693389850.110"}` || got.header.Get("X-Signature") != "" {
		t.Errorf("sent %s with the signature %q", got.body, got.header.Get("X-Signature"))
	}
}

func TestEventTypeInvalidInAHeaderIsOmitted(t *testing.T) {
	s := serve(t, nil)
	e := event(t, `{"id":"1","type":"call:\r\nX-Evil: 1","time":1693389853611}`)
	e.ReceiveCount = 0
	if err := to(t, s).HandleEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	header := s.requests()[0].header
	for _, name := range []string{"X-Wildix-Event", "X-Wildix-Receive-Count", "X-Evil"} {
		if values, ok := header[name]; ok {
			t.Errorf("%s: %q", name, values)
		}
	}
}

func TestConfiguredHeadersAreSent(t *testing.T) {
	s := serve(t, nil)
	h := newHandler(t, forward.Config{URL: s.URL, Header: http.Header{
		"Authorization": {"Bearer token"}, "Content-Type": {"application/x-thing"}, "User-Agent": {"me"},
	}})
	if err := h.HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
		t.Fatal(err)
	}
	header := s.requests()[0].header
	if header.Get("Authorization") != "Bearer token" || header.Get("Content-Type") != "application/x-thing" || header.Get("User-Agent") != "me" {
		t.Errorf("sent %v", header)
	}
}

func TestValidateReportsEveryInvalidField(t *testing.T) {
	_, err := forward.New(forward.Config{
		URL: "ftp://example.com/hidden", Timeout: -1, RetryStatuses: []int{404, 500},
		Header: http.Header{"Idempotency-Key": {"1"}},
	})
	want := `URL: not a URL such as https://hooks.example.com/calls
Header: Idempotency-Key is set by the worker
RetryStatuses: 500 is not a status from 400 to 499; all others are retried or are success
Timeout: -1ns is negative`
	if err == nil || err.Error() != want {
		t.Fatalf("error\n%v\nwant\n%s", err, want)
	}
	if _, ok := errors.AsType[*events.FieldError](err); !ok {
		t.Error("no FieldError")
	}
}

func TestURLErrorsDoNotQuoteTheURL(t *testing.T) {
	for _, text := range []string{"", "hidden", "http://", "https://hidden\x7f", "http://[hidden", "//hidden/x", "http://ex ample/hidden", "https://:443/hidden", "https://example.com:65536/hidden", "https://example.com:0/hidden", "https://example.com/hidden ", "https://example.com/hidden\n"} {
		err := forward.Config{URL: text}.Validate()
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

func TestHeaderErrorsDoNotQuoteTheValue(t *testing.T) {
	for _, header := range []http.Header{
		{"Bearer hidden": {""}}, {"": {"hidden"}}, {"Authorization": {"hidden\n"}}, {"X-Signature": {"hidden"}},
		{"host": {"hidden"}}, {"Transfer-Encoding": {"hidden"}},
	} {
		err := forward.Config{URL: "https://example.com", Header: header}.Validate()
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: error %v", header, err)
		}
	}
}

func TestConnectionsAreReused(t *testing.T) {
	const atOnce, rounds = 64, 10
	var connections sync.Map
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		connections.Store(r.RemoteAddr, true)
		fmt.Fprint(w, strings.Repeat("an answer to discard ", 1000))
	})
	h := to(t, s)
	e := event(t, "call-end.json")
	for range rounds {
		var all sync.WaitGroup
		for range atOnce {
			all.Go(func() {
				if err := h.HandleEvent(context.Background(), e); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	n := 0
	connections.Range(func(any, any) bool { n++; return true })
	// Some are dialled while another one becomes free, and not used.
	if n > 2*atOnce {
		t.Errorf("%d connections for %d requests, %d at once", n, atOnce*rounds, atOnce)
	}
}

func Example() {
	h, err := forward.New(forward.Config{
		URL:    "https://hooks.example.com/calls",
		Header: http.Header{"Authorization": {"Bearer " + "a token"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()
	mux := &events.Mux{}
	mux.Handle("call:*", h)
}

func BenchmarkForward(b *testing.B) {
	s := serve(b, nil)
	h := newHandler(b, forward.Config{URL: s.URL})
	e := event(b, "call-end.json")
	b.SetParallelism(32) // 64 at once on two cores
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := h.HandleEvent(context.Background(), e); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func TestListOfURLsIsRefused(t *testing.T) {
	for _, text := range []string{
		"https://hooks.example.com/a https://hooks.example.com/b", "https://hooks.example.com/a,https://hooks.example.com/b",
		" https://hooks.example.com/a", "https://hooks.example.com/a\n",
	} {
		err := forward.Config{URL: text}.Validate()
		if err == nil || !strings.Contains(err.Error(), "set one URL") || strings.Contains(err.Error(), "hooks") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestReplayIsMarked(t *testing.T) {
	s := serve(t, nil)
	first := event(t, "call-end.json")
	again := *first
	again.Replay = true
	for _, e := range []*events.Event{first, &again} {
		if err := to(t, s).HandleEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	got := s.requests()
	if marks := []string{got[0].header.Get("X-Wildix-Replay"), got[1].header.Get("X-Wildix-Replay")}; marks[0] != "" || marks[1] != "true" {
		t.Errorf("marks %q", marks)
	}
	if got[0].header.Get("Idempotency-Key") != got[1].header.Get("Idempotency-Key") || got[0].body != got[1].body {
		t.Error("the replay has another key or body")
	}
}
