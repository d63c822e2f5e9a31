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
		if err := runChild(role, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

const secret = "a secret"

type handler = func(context.Context, *events.Event) error

// A testServer is a receiver that serves, and a client of it. They talk HTTP over
// in-memory connections, on the virtual clock of a synctest bubble.
type testServer struct {
	t      *testing.T
	client *http.Client
	logs   *observer.ObservedLogs
	stats  func() webhook.Stats
	stop   context.CancelFunc
	done   chan error

	mu      sync.Mutex
	results []consumer.Result
}

// withServer runs a test with a server, in a synctest bubble.
func withServer(t *testing.T, cfg webhook.Config, test func(s *testServer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, cfg)
		test(s)
		s.stop()
		if s.done != nil {
			fatal(t, <-s.done)
		}
		s.client.CloseIdleConnections()
	})
}

// newTestServer starts a receiver. The caller is in a synctest bubble.
func newTestServer(t *testing.T, cfg webhook.Config) *testServer {
	core, logs := observer.New(zap.DebugLevel)
	s := &testServer{t: t, logs: logs, done: make(chan error, 1)}
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

func (s *testServer) observe(r consumer.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results = append(s.results, r)
}

// outcomes returns the outcomes so far, sorted.
func (s *testServer) outcomes() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var outcomes []string
	for _, r := range s.results {
		outcomes = append(outcomes, r.Outcome.String())
	}
	slices.Sort(outcomes)
	return strings.Join(outcomes, " ")
}

// An answer is what a client gets.
type answer struct {
	status     int
	retryAfter string
	took       time.Duration
	err        error
}

// post sends an event as a PBX does.
func (s *testServer) post(ctx context.Context, body, sig string) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://receiver"+webhook.Path, strings.NewReader(body))
	fatal(s.t, err)
	req.Header.Set("x-signature", sig)
	start := time.Now()
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{err: err, took: time.Since(start)}
	}
	resp.Body.Close()
	return answer{status: resp.StatusCode, retryAfter: resp.Header.Get("Retry-After"), took: time.Since(start)}
}

// send posts a signed event.
func (s *testServer) send(id string) answer {
	body := event(id)
	return s.post(s.t.Context(), body, sign(body))
}

// sendAsync posts a signed event in the background. The channel gets the answer.
func (s *testServer) sendAsync(id string) chan answer {
	answers := make(chan answer, 1)
	go func() { answers <- s.send(id) }()
	return answers
}

func (s *testServer) want(a answer, status int) {
	s.t.Helper()
	if a.err != nil || a.status != status {
		s.t.Errorf("answer %d after %s, error %v, want %d", a.status, a.took, a.err, status)
	}
	if mayRetry := status == http.StatusServiceUnavailable; mayRetry != (a.retryAfter != "") {
		s.t.Errorf("answer %d with Retry-After %q", a.status, a.retryAfter)
	}
}

// wantOutcomes checks the outcomes when all goroutines are idle.
func (s *testServer) wantOutcomes(want string) {
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

// sleepFor returns a handler that succeeds after d, unless its context ends first.
func sleepFor(d time.Duration) handler {
	return func(ctx context.Context, _ *events.Event) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// sleepIgnoringCancel returns a handler that succeeds after d, even if its context
// ends first.
func sleepIgnoringCancel(d time.Duration) handler {
	return func(context.Context, *events.Event) error {
		time.Sleep(d)
		return nil
	}
}

// countCalls counts the calls of a handler.
func countCalls(calls *atomic.Int64, h handler) handler {
	return func(ctx context.Context, e *events.Event) error {
		calls.Add(1)
		return h(ctx, e)
	}
}

func configFor(h handler) webhook.Config { return webhook.Config{Handler: events.HandlerFunc(h)} }
