package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
)

func TestEachOutcomeHasItsStatus(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler handler
		body    string
		sig     func(body string) string
		status  int
		retry   string
		outcome string
	}{
		{"handled", succeed, event("1"), sign, 204, "", "handled"},
		{"ignored", failWith(events.ErrNoHandler), event("1"), sign, 204, "", "ignored"},
		{"duplicate", failWith(events.ErrDuplicate), event("1"), sign, 204, "", "duplicate"},
		{"failed", failWith(errDown), event("1"), sign, 503, "1", "failed"},
		{"failed, with a delay", failWith(events.RetryAfter(1500*time.Millisecond, errDown)), event("1"), sign, 503, "2", "failed"},
		{"failed, with a delay beyond the maximum", failWith(events.RetryAfter(24*time.Hour, errDown)), event("1"), sign, 503, "900", "failed"},
		{"failed permanently", failWith(events.Permanent(errDown)), event("1"), sign, 422, "", "failed"},
		{"panicked", func(context.Context, *events.Event) error { panic("oh") }, event("1"), sign, 503, "1", "failed"},
		{"called Goexit", func(context.Context, *events.Event) error { runtime.Goexit(); return nil }, event("1"), sign, 503, "1", "failed"},
		{"unsigned", mustNotBeCalled(t), event("1"), func(string) string { return "" }, 401, "", "rejected"},
		{"signature of another body", mustNotBeCalled(t), event("1"), func(b string) string { return sign(b + " ") }, 401, "", "rejected"},
		{"not an event", mustNotBeCalled(t), "not JSON", sign, 400, "", "malformed"},
		{"empty", mustNotBeCalled(t), "", sign, 400, "", "malformed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			withServer(t, configFor(test.handler), func(s *testServer) {
				a := s.post(s.t.Context(), test.body, test.sig(test.body))
				s.want(a, test.status)
				if a.retryAfter != test.retry {
					t.Errorf("Retry-After %q, want %q", a.retryAfter, test.retry)
				}
				s.wantOutcomes(test.outcome)
			})
		})
	}
}

func failWith(err error) handler {
	return func(context.Context, *events.Event) error { return err }
}

// mustNotBeCalled returns a handler that fails the test when it is called.
func mustNotBeCalled(t *testing.T) handler {
	return func(context.Context, *events.Event) error {
		t.Error("the handler was called")
		return nil
	}
}

func TestUnauthorizedAnswerGivesNoReason(t *testing.T) {
	r := newReceiver(t, mustNotBeCalled(t))
	var bodies []string
	for _, sig := range []string{"", "xyz", sign("something else"), strings.ToUpper(sign(event("1")))} {
		req := httptest.NewRequest(http.MethodPost, webhook.Path, strings.NewReader(event("1")))
		req.Header.Set("X-Signature", sig)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("signature %q: answer %d", sig, w.Code)
		}
		bodies = append(bodies, w.Body.String())
	}
	for _, body := range bodies {
		if body != "Unauthorized\n" {
			t.Errorf("answers differ: %q", bodies)
		}
	}
}

func newReceiver(t testing.TB, h handler) *webhook.Receiver {
	t.Helper()
	r, err := webhook.New(webhook.Config{Keys: keyring(t), Handler: events.HandlerFunc(h)})
	fatal(t, err)
	return r
}

func TestHandlerGetsEventAsReceived(t *testing.T) {
	var got *events.Event
	withServer(t, configFor(func(_ context.Context, e *events.Event) error { got = e; return nil }), func(s *testServer) {
		s.want(s.send("1"), http.StatusNoContent)
		if string(got.Raw) != event("1") || got.Signature != sign(event("1")) || got.ID != "1" {
			t.Errorf("the handler got %+v", got)
		}
	})
}

func withoutConnections(s webhook.Stats) webhook.Stats {
	s.Connections = 0
	return s
}

// A receiver that has restarted knows nothing of the events from before.
func TestEventsThatAreTooOldAreRejected(t *testing.T) {
	var handled atomic.Int64
	cfg := configFor(countCalls(&handled, succeed))
	cfg.MaxAge = 2 * time.Minute
	withServer(t, cfg, func(s *testServer) {
		body := fmt.Sprintf(`{"id":"1","type":"call:end","time":%d}`, time.Now().UnixMilli())
		for _, test := range []struct {
			wait   time.Duration
			status int
		}{{0, 204}, {2 * time.Minute, 204}, {time.Second, 401}} {
			time.Sleep(test.wait)
			s.want(s.post(s.t.Context(), body, sign(body)), test.status)
		}
		if n := handled.Load(); n != 2 {
			t.Errorf("handled %d times", n)
		}
		s.wantOutcomes("handled handled rejected")
		if err := s.results[2].Err; !errors.Is(err, webhook.ErrTooOld) {
			t.Errorf("error %v", err)
		}
	})
	cfg.MaxAge = 0
	withServer(t, cfg, func(s *testServer) { s.want(s.send("of 2023"), http.StatusNoContent) })
}

func TestRequestsBeyondMaxInFlightAreRefused(t *testing.T) {
	cfg := configFor(sleepFor(time.Second))
	cfg.MaxInFlight = 3
	withServer(t, cfg, func(s *testServer) {
		answers := []chan answer{s.sendAsync("1"), s.sendAsync("2"), s.sendAsync("3")}
		synctest.Wait()
		for range 2 {
			a := s.send("4")
			s.want(a, http.StatusServiceUnavailable)
			if a.took != 0 {
				t.Errorf("refused after %s", a.took)
			}
		}
		if got, want := withoutConnections(s.stats()), (webhook.Stats{InFlight: 3, Refused: 2}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
		for _, a := range answers {
			s.want(<-a, http.StatusNoContent)
		}
		s.want(s.send("4"), http.StatusNoContent)
		s.wantOutcomes("handled handled handled handled")
		time.Sleep(15 * time.Second)
		if started, ended := s.logs.FilterMessageSnippet("too many requests").Len(), s.logs.FilterMessage("accepting all requests again").Len(); started != 1 || ended != 1 {
			t.Errorf("logged %d times that the limit is reached and %d times that it no longer is, want 1 each", started, ended)
		}
		synctest.Wait()
		if got, want := withoutConnections(s.stats()), (webhook.Stats{Refused: 2, Outcomes: [events.Outcomes]int64{events.Handled: 4}}); got != want {
			t.Errorf("stats %+v afterwards, want %+v", got, want)
		}
	})
}

func TestLogHasFieldsOfConsumerAndNoBody(t *testing.T) {
	withServer(t, configFor(failWith(errDown)), func(s *testServer) {
		s.send("call-1")
		s.post(s.t.Context(), event("call-2"), sign("other"))
		failed := s.logs.FilterMessage("message failed").All()
		if len(failed) != 1 {
			t.Fatalf("%d log lines about the failure", len(failed))
		}
		fields := failed[0].ContextMap()
		if fields["id"] != "call-1" || fields["type"] != "call:end" || fields["integrationId"] != "8qkmnq" || fields["error"] != errDown.Error() {
			t.Errorf("fields %v", fields)
		}
		if rejected := s.logs.FilterMessage("message rejected").All(); len(rejected) != 1 || rejected[0].ContextMap()["error"] != "signature mismatch" {
			t.Errorf("rejected: %v", rejected)
		}
		for _, line := range s.logs.All() {
			for _, value := range line.ContextMap() {
				if text, ok := value.(string); ok && (strings.Contains(text, sign(event("call-1"))) || strings.Contains(text, "1693389853611")) {
					t.Errorf("the log contains %q", text)
				}
			}
		}
	})
}

func TestValidateReportsEveryFault(t *testing.T) {
	_, err := webhook.New(webhook.Config{MaxBody: events.MaxSize + 1, Concurrency: -1, MaxInFlight: 1e6, MaxConnections: -1, AnswerWithin: 5 * time.Second, MaxAge: time.Second, IdleTimeout: -1, ShutdownTimeout: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"Keys: required", "Handler: required", "MaxBody: 1048577 is not between 1 and 1048576 bytes",
		"Concurrency: -1 is not between 1 and 100000", "MaxInFlight: 1000000 is not", "MaxConnections: -1 is not",
		"AnswerWithin: 5s is not more than 0s and less than 5s, the timeout of a PBX", "ShutdownTimeout: -1ns is negative",
		"MaxAge: 1s is less than 1m0s", "IdleTimeout: -1ns is negative",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}
