package webhook_test

import (
	"context"
	"errors"
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

func TestEachOutcomeHasItsAnswer(t *testing.T) {
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
		{"ignored", failing(events.ErrNoHandler), event("1"), sign, 204, "", "ignored"},
		{"duplicate", failing(events.ErrDuplicate), event("1"), sign, 204, "", "duplicate"},
		{"failed", failing(errDown), event("1"), sign, 503, "1", "failed"},
		{"failed, with a wish", failing(events.RetryAfter(1500*time.Millisecond, errDown)), event("1"), sign, 503, "2", "failed"},
		{"failed, with an immodest wish", failing(events.RetryAfter(24*time.Hour, errDown)), event("1"), sign, 503, "900", "failed"},
		{"failed for good", failing(events.Permanent(errDown)), event("1"), sign, 422, "", "failed"},
		{"panicked", func(context.Context, *events.Event) error { panic("oh") }, event("1"), sign, 503, "1", "failed"},
		{"ended", func(context.Context, *events.Event) error { runtime.Goexit(); return nil }, event("1"), sign, 503, "1", "failed"},
		{"unsigned", refusing(t), event("1"), func(string) string { return "" }, 401, "", "rejected"},
		{"signed otherwise", refusing(t), event("1"), func(b string) string { return sign(b + " ") }, 401, "", "rejected"},
		{"no event", refusing(t), "not JSON", sign, 400, "", "malformed"},
		{"empty", refusing(t), "", sign, 400, "", "malformed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			within(t, direct(test.handler), func(s *site) {
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

func failing(err error) handler {
	return func(context.Context, *events.Event) error { return err }
}

// refusing must not be called.
func refusing(t *testing.T) handler {
	return func(context.Context, *events.Event) error {
		t.Error("the handler was called")
		return nil
	}
}

func TestAnswerTellsAForgerNothingButTheStatus(t *testing.T) {
	r := receiver(t, refusing(t))
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

func receiver(t testing.TB, h handler) *webhook.Receiver {
	t.Helper()
	r, err := webhook.New(webhook.Config{Keys: keyring(t), Handler: events.HandlerFunc(h)})
	fatal(t, err)
	return r
}

func TestHandlerGetsTheEventAsItCame(t *testing.T) {
	var got *events.Event
	within(t, direct(func(_ context.Context, e *events.Event) error { got = e; return nil }), func(s *site) {
		s.want(s.send("1"), http.StatusNoContent)
		if string(got.Raw) != event("1") || got.Signature != sign(event("1")) || got.ID != "1" {
			t.Errorf("the handler got %+v", got)
		}
	})
}

// The PBX waits for 5 s.
func TestAnswerComesInTimeWhateverTheHandlerDoes(t *testing.T) {
	for name, h := range map[string]handler{"listening": working(time.Minute), "deaf": deaf(7 * time.Second)} {
		t.Run(name, func(t *testing.T) {
			within(t, direct(h), func(s *site) {
				a := s.send("1")
				s.want(a, http.StatusServiceUnavailable)
				if a.took != webhook.DefaultAnswerWithin {
					t.Errorf("answered after %s", a.took)
				}
				s.wantOutcomes("failed")
			})
		})
	}
}

func TestHandlerContextEndsWithTheAnswer(t *testing.T) {
	within(t, direct(func(ctx context.Context, _ *events.Event) error {
		begun := time.Now()
		<-ctx.Done()
		if lasted := time.Since(begun); lasted != webhook.DefaultAnswerWithin || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("the context ended after %s: %v", lasted, ctx.Err())
		}
		return ctx.Err()
	}), func(s *site) { s.send("1") })
}

// A client that has hung up sends the event again: it is not handled twice for
// that.
func TestHandlerOutlivesItsClient(t *testing.T) {
	var calls atomic.Int64
	within(t, direct(counting(&calls, working(3*time.Second))), func(s *site) {
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
		defer cancel()
		if a := s.post(ctx, event("1"), sign(event("1"))); !errors.Is(a.err, context.DeadlineExceeded) {
			t.Fatalf("answer %d, error %v", a.status, a.err)
		}
		a := s.send("1")
		s.want(a, http.StatusNoContent)
		if a.took != 2*time.Second || calls.Load() != 1 {
			t.Errorf("answered after %s and %d calls", a.took, calls.Load())
		}
		s.wantOutcomes("duplicate handled")
	})
}

func TestRepeatsWaitForTheSameCall(t *testing.T) {
	var calls atomic.Int64
	within(t, direct(counting(&calls, working(time.Second))), func(s *site) {
		var answers []chan answer
		for range 5 {
			answers = append(answers, s.sendInBackground("1"))
		}
		answers = append(answers, s.sendInBackground("2"))
		for _, a := range answers {
			s.want(<-a, http.StatusNoContent)
		}
		if calls.Load() != 2 {
			t.Errorf("%d calls", calls.Load())
		}
		s.wantOutcomes("duplicate duplicate duplicate duplicate handled handled")
	})
}

func TestRepeatsFailWithTheSameCall(t *testing.T) {
	within(t, direct(func(ctx context.Context, e *events.Event) error {
		time.Sleep(time.Second)
		return errDown
	}), func(s *site) {
		first, second := s.sendInBackground("1"), s.sendInBackground("1")
		s.want(<-first, http.StatusServiceUnavailable)
		s.want(<-second, http.StatusServiceUnavailable)
		s.wantOutcomes("failed failed")
	})
}

func TestEventsWaitTheirTurn(t *testing.T) {
	cfg := direct(working(2 * time.Second))
	cfg.Concurrency = 2
	within(t, cfg, func(s *site) {
		var answers []chan answer
		for _, id := range []string{"1", "2", "3", "4", "5"} {
			answers = append(answers, s.sendInBackground(id))
			synctest.Wait()
		}
		for i, status := range []int{204, 204, 204, 204, 503} {
			a := <-answers[i]
			s.want(a, status)
			if i < 4 && a.took != time.Duration(1+i/2)*2*time.Second {
				t.Errorf("event %d was answered after %s", i+1, a.took)
			}
		}
	})
}

func TestTooManyRequestsAreRefusedAtOnce(t *testing.T) {
	cfg := direct(working(time.Second))
	cfg.MaxInFlight = 3
	within(t, cfg, func(s *site) {
		answers := []chan answer{s.sendInBackground("1"), s.sendInBackground("2"), s.sendInBackground("3")}
		synctest.Wait()
		for range 2 {
			a := s.send("4")
			s.want(a, http.StatusServiceUnavailable)
			if a.took != 0 {
				t.Errorf("refused after %s", a.took)
			}
		}
		if got, want := s.stats(), (webhook.Stats{InFlight: 3, Refused: 2}); got != want {
			t.Errorf("the stats are %+v, want %+v", got, want)
		}
		for _, a := range answers {
			s.want(<-a, http.StatusNoContent)
		}
		s.want(s.send("4"), http.StatusNoContent)
		s.wantOutcomes("handled handled handled handled")
		if begun, ended := s.logs.FilterMessageSnippet("too many requests").Len(), s.logs.FilterMessage("requests get through again").Len(); begun != 1 || ended != 1 {
			t.Errorf("logged %d times that it is full, and %d times that it no longer is", begun, ended)
		}
		synctest.Wait()
		if got, want := s.stats(), (webhook.Stats{Refused: 2, Outcomes: [events.Outcomes]int64{events.Handled: 4}}); got != want {
			t.Errorf("in the end the stats are %+v, want %+v", got, want)
		}
	})
}

func TestLogHasTheQueuesWordsAndNothingPersonal(t *testing.T) {
	within(t, direct(failing(errDown)), func(s *site) {
		s.send("call-1")
		s.post(s.t.Context(), event("call-2"), sign("other"))
		failed := s.logs.FilterMessage("message failed").All()
		if len(failed) != 1 {
			t.Fatalf("%d lines about the failure", len(failed))
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
					t.Errorf("the log has %q in it", text)
				}
			}
		}
	})
}

func TestWrongConfigurationIsNamedAtOnce(t *testing.T) {
	_, err := webhook.New(webhook.Config{MaxBody: events.MaxSize + 1, Concurrency: -1, MaxInFlight: 1e6, MaxConnections: -1, AnswerWithin: 5 * time.Second, ShutdownTimeout: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"Keys: required", "Handler: required", "MaxBody: 1048577 is not between 1 and 1048576 bytes",
		"Concurrency: -1 is not between 1 and 100000", "MaxInFlight: 1000000 is not", "MaxConnections: -1 is not",
		"AnswerWithin: 5s is not more than 0s and less than 5s", "ShutdownTimeout: -1ns is negative",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

// The PBX tries again as soon as it has its answer, when the handler of the
// first try may not have returned yet.
func TestRetryGetsItsWholeTime(t *testing.T) {
	var calls atomic.Int64
	within(t, direct(counting(&calls, func(ctx context.Context, _ *events.Event) error {
		begun := time.Now()
		<-ctx.Done()
		if lasted := time.Since(begun); lasted < webhook.DefaultAnswerWithin-100*time.Millisecond {
			t.Errorf("a call had %s", lasted)
		}
		time.Sleep(50 * time.Millisecond) // to tidy up
		return ctx.Err()
	})), func(s *site) {
		for range 4 {
			a := s.send("1")
			s.want(a, http.StatusServiceUnavailable)
			if a.took != webhook.DefaultAnswerWithin {
				t.Errorf("answered after %s", a.took)
			}
		}
		if calls.Load() != 4 {
			t.Errorf("%d calls", calls.Load())
		}
	})
}

func TestWhatALateHandlerDoesIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		handler handler
		message string
	}{
		"panic":   {func(context.Context, *events.Event) error { time.Sleep(6 * time.Second); panic("late") }, "message failed"},
		"success": {deaf(6 * time.Second), "handler succeeded too late, and may be called again"},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, direct(test.handler), func(s *site) {
				s.want(s.send("1"), http.StatusServiceUnavailable)
				before := s.logs.FilterMessage(test.message).Len()
				time.Sleep(5 * time.Second)
				if n := s.logs.FilterMessage(test.message).Len() - before; n != 1 {
					t.Errorf("%d lines about it", n)
				}
			})
		})
	}
}

func TestNoHandlerBeginsTooLate(t *testing.T) {
	cfg := direct(func(ctx context.Context, e *events.Event) error {
		if ctx.Err() != nil {
			t.Error("a handler began after its context had ended")
		}
		<-ctx.Done() // which frees its place just when the time of those who wait is up
		return ctx.Err()
	})
	cfg.Concurrency = 1
	within(t, cfg, func(s *site) {
		var answers []chan answer
		for i := range 20 {
			answers = append(answers, s.sendInBackground(event("")+string(rune('a'+i))))
		}
		for _, a := range answers {
			s.want(<-a, http.StatusServiceUnavailable)
		}
	})
}
