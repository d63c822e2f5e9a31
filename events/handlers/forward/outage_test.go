package forward_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/events/handlers/forward"
)

// The endpoint is down for a minute.
func TestFullSpeedWithinFiveSecondsAfterAnOutage(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, test := range map[string]struct {
		fault http.HandlerFunc
		back  time.Duration
	}{
		"refused connections":       {nil, 5 * time.Second},
		"503":                       {status(http.StatusServiceUnavailable), 5 * time.Second},
		"503 with a Retry-After":    {status(http.StatusServiceUnavailable, "Retry-After", "1"), 5 * time.Second},
		"a 502 that takes its time": {slowly(http.StatusBadGateway), 5 * time.Second},
		"no answer":                 {hang, 5*time.Second + forward.DefaultTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 3, test.fault, only, func(s *system) {
				s.outage()
				// Events that failed before the pause still wait for their delay.
				const waiting = 100
				time.Sleep(test.back)
				if n := s.arrived(); n < s.sent-waiting {
					t.Errorf("%d of %d events arrived %v after the outage", n, s.sent, test.back)
				}
				before := s.arrived()
				s.send(300)
				time.Sleep(time.Second)
				if n := s.arrived() - before; n < 300 {
					t.Errorf("%d of 300 events arrived in the second after", n)
				}
				if n := s.refused.Load(); n > 120 {
					t.Errorf("the endpoint got %d requests while it was down for a minute", n)
				}
				s.wantAll()
			})
		})
	}
}

func slowly(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(300 * time.Millisecond)
		w.WriteHeader(code)
	}
}

// When most events are not for the endpoint, the consumer keeps receiving, and only this
// handler's breaker is open. The receives must suffice even then.
func TestOutageDeadLettersNothingWhenFewEventsAreForTheEndpoint(t *testing.T) {
	few := func(h events.Handler) events.Handler {
		var n atomic.Int32
		return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
			if e.ReceiveCount == 1 && n.Add(1)%10 > 0 {
				return nil
			}
			return h.HandleEvent(ctx, e)
		})
	}
	within(t, 10, nil, few, func(s *system) {
		s.down.Store(true)
		for range 60 {
			s.send(10)
			time.Sleep(time.Second)
		}
		s.down.Store(false)
		time.Sleep(20 * time.Minute)
		if depth := s.srv.Depth("dead"); depth != (sqslocal.Depth{}) {
			t.Errorf("dead letters: %+v", depth)
		}
		if n := s.arrived(); n != s.sent/10 {
			t.Errorf("%d events arrived, want %d", n, s.sent/10)
		}
	})
}

// Slack accepts about one message a second, and answers all others with a Retry-After.
func TestRateLimitDeadLettersNothing(t *testing.T) {
	var last time.Time
	var s *system
	fault := func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if time.Since(last) < time.Second {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		last = time.Now()
		s.accepted[r.Header.Get("Idempotency-Key")]++
	}
	within(t, 10, fault, only, func(at *system) {
		s = at
		s.down.Store(true)
		s.send(60)
		s.wantAll()
	})
}

func TestOutageIsLoggedOnceWithTheHost(t *testing.T) {
	within(t, 5, nil, only, func(s *system) {
		s.outage()
		s.wantAll()
		for message, want := range map[string]int{"forward endpoint down, trying one event a second": 1, "forward endpoint up again": 1} {
			logged := s.logs.FilterMessage(message).All()
			if len(logged) != want || logged[0].ContextMap()["host"] != "endpoint.example.com" {
				t.Errorf("logged %v", logged)
			}
		}
		for _, entry := range s.logs.All() {
			for _, field := range entry.Context {
				if err, ok := field.Interface.(error); ok {
					wantWords(t, err, "")
				}
			}
		}
	})
}

func TestEndpointThatIsDownGetsOneEventASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials, failedAtOnce int
		h := newHandler(t, forward.Config{URL: "http://endpoint.example.com"})
		h.DialWith(func(context.Context, string, string) (net.Conn, error) {
			dials++
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		})
		e := event(t, "call-end.json")
		for range 600 {
			err := h.HandleEvent(t.Context(), e)
			wantRetry(t, err, "endpoint.example.com: ")
			if errors.Is(err, forward.ErrEndpointDown) {
				failedAtOnce++
			}
			time.Sleep(100 * time.Millisecond)
		}
		if dials > 5+60 || dials+failedAtOnce != 600 {
			t.Errorf("%d connections in a minute, %d events failed without one", dials, failedAtOnce)
		}
	})
}

func TestPermanentErrorsDoNotCountAsAnOutage(t *testing.T) {
	s := serve(t, status(http.StatusBadRequest))
	h := to(t, s)
	for range 20 {
		wantPermanent(t, h.HandleEvent(t.Context(), event(t, "call-end.json")), "status 400")
	}
	s.wantRequests(t, 20)
}

func TestCancelledRequestsDoNotCountAsAnOutage(t *testing.T) {
	s := serve(t, nil)
	h := to(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		wantRetry(t, h.HandleEvent(ctx, event(t, "call-end.json")), "context canceled")
	}
	if err := h.HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
		t.Error(err)
	}
}
