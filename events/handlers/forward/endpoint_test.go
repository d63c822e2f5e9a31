package forward_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"wildix-worker/events"
	"wildix-worker/events/handlers/forward"
	"wildix-worker/signature"
)

func TestMain(m *testing.M) {
	os.Setenv("NO_PROXY", "*") // a proxy would resolve example.com itself
	goleak.VerifyTestMain(m)
}

// A request that an endpoint got.
type request struct {
	method, path string
	header       http.Header
	body         string
}

// An endpoint is an HTTP server that records its requests.
type endpoint struct {
	*httptest.Server
	mu  sync.Mutex
	got []request
}

// serve starts an endpoint that responds with answer, or with 204 if that is nil.
func serve(t testing.TB, answer http.HandlerFunc) *endpoint {
	t.Helper()
	s := &endpoint{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		s.got = append(s.got, request{r.Method, r.URL.Path, r.Header, string(body)})
		s.mu.Unlock()
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *endpoint) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.got...)
}

func (s *endpoint) wantRequests(t *testing.T, n int) {
	t.Helper()
	if got := len(s.requests()); got != n {
		t.Errorf("the endpoint got %d requests, want %d", got, n)
	}
}

// status responds with a status and headers, given as name and value.
func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

// hidden is the part of a URL that no error or log may contain.
const hidden = "/services/T000/B000/hidden?token=hidden"

// newHandler returns a handler that is closed when the test ends.
func newHandler(t testing.TB, cfg forward.Config) *forward.Handler {
	t.Helper()
	h, err := forward.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// to returns a handler that sends to the endpoint.
func to(t testing.TB, s *endpoint) *forward.Handler {
	return newHandler(t, forward.Config{URL: s.URL + hidden})
}

const pbxSecret = "the PBX's secret"

// event returns the event of a file or of its JSON, as a transport dispatches it.
func event(t testing.TB, body string) *events.Event {
	t.Helper()
	if !strings.HasPrefix(body, "{") {
		content, err := os.ReadFile("../../testdata/" + body)
		if err != nil {
			t.Fatal(err)
		}
		body = string(content)
	}
	ring, err := signature.NewKeyring(signature.Key{Secret: pbxSecret})
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := events.DecodeSigned(ring, []byte(body), signature.Sign(pbxSecret, []byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	e.ReceiveCount = 3
	return e
}

// wantRetry checks that the error is retried and contains words.
func wantRetry(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || events.IsPermanent(err) || errors.Is(err, events.ErrNoHandler) {
		t.Fatalf("error %v, want one that is retried", err)
	}
	wantWords(t, err, words)
}

func wantPermanent(t *testing.T, err error, words string) {
	t.Helper()
	if !events.IsPermanent(err) {
		t.Fatalf("error %v, want a permanent one", err)
	}
	wantWords(t, err, words)
}

func wantWords(t *testing.T, err error, words string) {
	t.Helper()
	if !strings.Contains(err.Error(), words) {
		t.Errorf("error %q, want %q in it", err, words)
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("error %q contains the URL", err)
	}
}
