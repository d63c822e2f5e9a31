package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
	"wildix-worker/signature"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

const secret = "a secret"

type handler = func(context.Context, *events.Event) error

// site is a receiver and a client of it, all on the virtual clock of a synctest
// bubble: HTTP over memory.
type site struct {
	t      *testing.T
	client *http.Client
	logs   *observer.ObservedLogs
	stats  func() webhook.Stats
	stop   context.CancelFunc
	done   chan error

	mu      sync.Mutex
	results []consumer.Result
}

// within runs a test in a bubble with a receiver that serves.
func within(t *testing.T, cfg webhook.Config, test func(s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, cfg)
		test(s)
		s.stop()
		if s.done != nil {
			fatal(t, <-s.done)
		}
		s.client.CloseIdleConnections()
	})
}

// newSite starts a receiver inside the bubble.
func newSite(t *testing.T, cfg webhook.Config) *site {
	core, logs := observer.New(zap.DebugLevel)
	s := &site{t: t, logs: logs, done: make(chan error, 1)}
	cfg.Keys, cfg.Logger, cfg.Observe = keyring(t), zap.New(core), s.observe
	receiver, err := webhook.New(cfg)
	fatal(t, err)
	s.stats = receiver.Stats
	l := sqslocal.Pipe()
	s.client = &http.Client{Transport: &http.Transport{DialContext: l.DialContext, MaxIdleConnsPerHost: 1000}}
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	go func() { s.done <- receiver.Serve(ctx, l) }()
	return s
}

func (s *site) observe(r consumer.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results = append(s.results, r)
}

// outcomes returns the outcomes so far, sorted.
func (s *site) outcomes() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var words []string
	for _, r := range s.results {
		words = append(words, r.Outcome.String())
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// an answer is what a client sees.
type answer struct {
	status     int
	retryAfter string
	took       time.Duration
	err        error
}

// post sends an event as a PBX does.
func (s *site) post(ctx context.Context, body, sig string) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://receiver"+webhook.Path, strings.NewReader(body))
	fatal(s.t, err)
	req.Header.Set("x-signature", sig)
	begun := time.Now()
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{err: err, took: time.Since(begun)}
	}
	resp.Body.Close()
	return answer{status: resp.StatusCode, retryAfter: resp.Header.Get("Retry-After"), took: time.Since(begun)}
}

// send posts a signed event.
func (s *site) send(id string) answer {
	body := event(id)
	return s.post(s.t.Context(), body, sign(body))
}

// sendInBackground posts a signed event and returns where the answer will be.
func (s *site) sendInBackground(id string) chan answer {
	answers := make(chan answer, 1)
	go func() { answers <- s.send(id) }()
	return answers
}

func (s *site) want(a answer, status int) {
	s.t.Helper()
	if a.err != nil || a.status != status {
		s.t.Errorf("answer %d after %s, error %v, want %d", a.status, a.took, a.err, status)
	}
	if mayRetry := status == http.StatusServiceUnavailable; mayRetry != (a.retryAfter != "") {
		s.t.Errorf("answer %d with Retry-After %q", a.status, a.retryAfter)
	}
}

// wantOutcomes waits until nothing more happens by itself.
func (s *site) wantOutcomes(want string) {
	s.t.Helper()
	synctest.Wait()
	if got := s.outcomes(); got != want {
		s.t.Errorf("outcomes %q, want %q", got, want)
	}
}

func event(id string) string {
	return fmt.Sprintf(`{"id":%q,"type":"call:end","time":1693389853611,"integrationId":"8qkmnq"}`, id)
}

func sign(body string) string { return signature.Sign(secret, []byte(body)) }

func keyring(t testing.TB) *signature.Keyring {
	t.Helper()
	keys, err := signature.NewKeyring(signature.Key{Secret: secret})
	fatal(t, err)
	return keys
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errDown = errors.New("CRM is down")

func succeed(context.Context, *events.Event) error { return nil }

// working takes so long, unless it is told to stop.
func working(d time.Duration) handler {
	return func(ctx context.Context, _ *events.Event) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// deaf takes so long, whatever it is told.
func deaf(d time.Duration) handler {
	return func(context.Context, *events.Event) error {
		time.Sleep(d)
		return nil
	}
}

// counting counts the calls of a handler.
func counting(calls *atomic.Int64, h handler) handler {
	return func(ctx context.Context, e *events.Event) error {
		calls.Add(1)
		return h(ctx, e)
	}
}

func direct(h handler) webhook.Config { return webhook.Config{Handler: events.HandlerFunc(h)} }
