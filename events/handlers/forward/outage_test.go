package forward_test

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// The endpoint is down for a minute.
func TestFullSpeedWithinFiveSecondsAfterAnOutage(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{
		"refused connections":       nil,
		"503":                       status(http.StatusServiceUnavailable),
		"503 with a Retry-After":    status(http.StatusServiceUnavailable, "Retry-After", "1"),
		"a 502 that takes its time": slowly(http.StatusBadGateway),
		"no answer":                 func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 2, fault, func(s *system) {
				s.outage()
				time.Sleep(5 * time.Second)
				if n := s.arrived(); n != s.sent {
					t.Errorf("%d of %d events arrived 5 s after the outage", n, s.sent)
				}
				before := s.arrived()
				s.send(300)
				time.Sleep(time.Second)
				if n := s.arrived() - before; n < 300 {
					t.Errorf("%d of 300 events arrived in the second after", n)
				}
				if n := s.refused.Load(); n > 150 {
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

// An event every ten minutes is too little for the destination to be down for long.
func TestLongOutageDeadLettersNothing(t *testing.T) {
	within(t, 2, nil, func(s *system) {
		s.down.Store(true)
		for range 4 * 6 {
			s.send(1)
			time.Sleep(10 * time.Minute)
		}
		s.down.Store(false)
		time.Sleep(5 * time.Second)
		if n := s.arrived(); n != s.sent {
			t.Errorf("%d of %d events arrived 5 s after the outage", n, s.sent)
		}
		s.wantAll()
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
	within(t, 2, fault, func(at *system) {
		s = at
		s.down.Store(true)
		s.send(60)
		s.wantAll()
	})
}

func TestOutageIsLoggedOnceWithTheHost(t *testing.T) {
	within(t, 2, nil, func(s *system) {
		s.outage()
		s.wantAll()
		down, up := s.logs.FilterMessage("destination down").All(), s.logs.FilterMessage("destination up").All()
		if len(down) != 1 || len(up) != 1 {
			t.Fatalf("logged %v and %v", down, up)
		}
		wantWords(t, errors.New(down[0].ContextMap()["error"].(string)), "endpoint.example.com")
		for _, entry := range s.logs.All() {
			for _, field := range entry.Context {
				if err, ok := field.Interface.(error); ok {
					wantWords(t, err, "")
				}
			}
		}
	})
}
