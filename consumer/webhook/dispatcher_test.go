package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
)

func TestAnswerDoesNotWaitForSlowHandler(t *testing.T) {
	for name, h := range map[string]handler{"returns on cancel": sleepFor(time.Minute), "ignores cancel": sleepIgnoringCancel(7 * time.Second)} {
		t.Run(name, func(t *testing.T) {
			withServer(t, configFor(h), func(s *testServer) {
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

func TestHandlerContextEndsWithAnswer(t *testing.T) {
	withServer(t, configFor(func(ctx context.Context, _ *events.Event) error {
		start := time.Now()
		<-ctx.Done()
		if lasted := time.Since(start); lasted != webhook.DefaultAnswerWithin || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("the context ended after %s: %v", lasted, ctx.Err())
		}
		return ctx.Err()
	}), func(s *testServer) { s.send("1") })
}

// A PBX that disconnects sends the event again, which must not start a second call.
func TestDisconnectDoesNotEndHandler(t *testing.T) {
	var calls atomic.Int64
	withServer(t, configFor(countCalls(&calls, sleepFor(3*time.Second))), func(s *testServer) {
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

func TestRepeatsShareOneCall(t *testing.T) {
	var calls atomic.Int64
	withServer(t, configFor(countCalls(&calls, sleepFor(time.Second))), func(s *testServer) {
		var answers []chan answer
		for range 5 {
			answers = append(answers, s.sendAsync("1"))
		}
		answers = append(answers, s.sendAsync("2"))
		for _, a := range answers {
			s.want(<-a, http.StatusNoContent)
		}
		if calls.Load() != 2 {
			t.Errorf("%d calls", calls.Load())
		}
		s.wantOutcomes("duplicate duplicate duplicate duplicate handled handled")
	})
}

func TestRepeatsFailTogether(t *testing.T) {
	withServer(t, configFor(func(ctx context.Context, e *events.Event) error {
		time.Sleep(time.Second)
		return errDown
	}), func(s *testServer) {
		first, second := s.sendAsync("1"), s.sendAsync("1")
		s.want(<-first, http.StatusServiceUnavailable)
		s.want(<-second, http.StatusServiceUnavailable)
		s.wantOutcomes("failed failed")
	})
}

func TestConcurrencyLimitsCalls(t *testing.T) {
	cfg := configFor(sleepFor(2 * time.Second))
	cfg.Concurrency = 2
	withServer(t, cfg, func(s *testServer) {
		var answers []chan answer
		for _, id := range []string{"1", "2", "3", "4", "5"} {
			answers = append(answers, s.sendAsync(id))
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

// The PBX tries again as soon as it has its answer. The handler of the first try may
// not have returned by then.
func TestRetryGetsFullAnswerTime(t *testing.T) {
	var calls atomic.Int64
	withServer(t, configFor(countCalls(&calls, func(ctx context.Context, _ *events.Event) error {
		start := time.Now()
		<-ctx.Done()
		if lasted := time.Since(start); lasted < webhook.DefaultAnswerWithin-100*time.Millisecond {
			t.Errorf("a call had only %s", lasted)
		}
		time.Sleep(50 * time.Millisecond) // to clean up
		return ctx.Err()
	})), func(s *testServer) {
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

func TestLateOutcomeIsLogged(t *testing.T) {
	for name, test := range map[string]struct {
		handler handler
		message string
	}{
		"panic":   {func(context.Context, *events.Event) error { time.Sleep(6 * time.Second); panic("late") }, "message failed"},
		"success": {sleepIgnoringCancel(6 * time.Second), "handler succeeded after the request was answered, the event may be handled again"},
	} {
		t.Run(name, func(t *testing.T) {
			withServer(t, configFor(test.handler), func(s *testServer) {
				s.want(s.send("1"), http.StatusServiceUnavailable)
				before := s.logs.FilterMessage(test.message).Len()
				time.Sleep(5 * time.Second)
				if n := s.logs.FilterMessage(test.message).Len() - before; n != 1 {
					t.Errorf("%d log lines, want 1", n)
				}
			})
		})
	}
}

func TestHandlerDoesNotStartAfterDeadline(t *testing.T) {
	cfg := configFor(func(ctx context.Context, e *events.Event) error {
		if ctx.Err() != nil {
			t.Error("a handler was called after its context had ended")
		}
		<-ctx.Done() // frees the slot just when the others run out of time
		return ctx.Err()
	})
	cfg.Concurrency = 1
	withServer(t, cfg, func(s *testServer) {
		var answers []chan answer
		for i := range 20 {
			answers = append(answers, s.sendAsync(event("")+string(rune('a'+i))))
		}
		for _, a := range answers {
			s.want(<-a, http.StatusServiceUnavailable)
		}
	})
}
