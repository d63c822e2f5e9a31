package forward_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/handlers/forward"
)

func TestStatusDecidesTheOutcome(t *testing.T) {
	for code, want := range map[int]string{
		200: "done", 201: "done", 202: "done", 204: "done", 299: "done",
		301: "retry", 302: "retry", 304: "retry", 307: "retry", 308: "retry",
		400: "permanent", 401: "permanent", 404: "permanent", 409: "permanent", 410: "permanent", 422: "permanent",
		408: "retry", 425: "retry", 429: "retry",
		500: "retry", 501: "retry", 502: "retry", 503: "retry", 504: "retry", 599: "retry", 600: "retry",
	} {
		s := serve(t, status(code))
		err := to(t, s).HandleEvent(t.Context(), event(t, "call-end.json"))
		switch want {
		case "done":
			if err != nil {
				t.Error(err)
			}
		case "retry":
			wantRetry(t, err, "forward to "+strings.TrimPrefix(s.URL, "http://")+": status ")
		case "permanent":
			wantPermanent(t, err, "status ")
		}
		s.wantRequests(t, 1)
	}
}

func TestRetryStatusesAreRetried(t *testing.T) {
	s := serve(t, status(http.StatusUnauthorized))
	h := newHandler(t, forward.Config{URL: s.URL, RetryStatuses: []int{401}})
	wantRetry(t, h.HandleEvent(t.Context(), event(t, "call-end.json")), "status 401 Unauthorized")
}

func TestRedirectIsNotFollowed(t *testing.T) {
	other := serve(t, nil)
	for _, location := range []string{other.URL, "http://169.254.169.254/latest/meta-data/", "/elsewhere"} {
		s := serve(t, status(http.StatusTemporaryRedirect, "Location", location))
		err := to(t, s).HandleEvent(t.Context(), event(t, "call-end.json"))
		wantRetry(t, err, "status 307 Temporary Redirect: redirects are not followed")
		s.wantRequests(t, 1)
	}
	other.wantRequests(t, 0)
}

func TestRetryAfterMeansUnavailable(t *testing.T) {
	date := time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)
	for _, test := range []struct {
		code        int
		after       string
		least, most time.Duration
	}{
		{429, "60", time.Minute, time.Minute},
		{503, date, 55 * time.Second, time.Minute},
		{500, " 1 ", time.Second, time.Second},
		{401, "7", 7 * time.Second, 7 * time.Second},
		{429, "86400", 5 * time.Minute, 5 * time.Minute},
		{429, "18446744073709551615", 5 * time.Minute, 5 * time.Minute},
	} {
		s := serve(t, status(test.code, "Retry-After", test.after))
		h := newHandler(t, forward.Config{URL: s.URL + hidden, RetryStatuses: []int{401}})
		err := h.HandleEvent(t.Context(), event(t, "call-end.json"))
		wantRetry(t, err, "status ")
		if d, ok := events.UnavailableFor(err); !ok || d < test.least || d > test.most {
			t.Errorf("error %v is unavailable for %v, want %v to %v", err, d, test.least, test.most)
		}
	}
}

func TestRetryAfterOfAPermanentErrorIsIgnored(t *testing.T) {
	s := serve(t, status(http.StatusBadRequest, "Retry-After", "60"))
	err := to(t, s).HandleEvent(t.Context(), event(t, "call-end.json"))
	wantPermanent(t, err, "status 400")
	if d, ok := events.UnavailableFor(err); ok {
		t.Errorf("%v is unavailable for %v", err, d)
	}
}

// The caller decides when to send again.
func TestEachCallSendsARequest(t *testing.T) {
	s := serve(t, status(http.StatusServiceUnavailable, "Retry-After", "60"))
	h := to(t, s)
	for range 20 {
		wantRetry(t, h.HandleEvent(t.Context(), event(t, "call-end.json")), "status 503")
	}
	s.wantRequests(t, 20)
}

func TestInvalidRetryAfterIsIgnored(t *testing.T) {
	past := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	for _, after := range []string{"", "0", "-5", "soon", past} {
		s := serve(t, status(http.StatusTooManyRequests, "Retry-After", after))
		err := to(t, s).HandleEvent(t.Context(), event(t, "call-end.json"))
		wantRetry(t, err, "status 429")
		if d, ok := events.RetryDelay(err); ok {
			t.Errorf("%q: asks for %v", after, d)
		}
	}
}

func TestRequestToAHangingEndpointTimesOut(t *testing.T) {
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	h := newHandler(t, forward.Config{URL: s.URL + hidden, Timeout: 50 * time.Millisecond})
	wantRetry(t, h.HandleEvent(t.Context(), event(t, "call-end.json")), "no response in time")
}

func TestSlowResponseWithinTheTimeoutIsSuccess(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { time.Sleep(100 * time.Millisecond) })
	if err := to(t, s).HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
		t.Error(err)
	}
}

func TestStopEndsARequest(t *testing.T) {
	arrived := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	h := to(t, s)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopping := errors.New("worker stopping")
	go func() {
		<-arrived
		cancel(stopping)
	}()
	err := h.HandleEvent(ctx, event(t, "call-end.json"))
	wantRetry(t, err, "worker stopping")
	if !errors.Is(err, stopping) {
		t.Errorf("%v does not wrap its cause", err)
	}
}

// raw starts an endpoint that answers each connection with bytes.
func raw(t *testing.T, answer func(net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			answer(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return "http://" + l.Addr().String() + hidden
}

// readRequest reads a whole request, so that closing sends no reset.
func readRequest(t *testing.T, conn net.Conn) {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		t.Error(err)
		return
	}
	io.Copy(io.Discard, r.Body)
}

func TestConnectionErrorsAreRetriedAndDoNotQuoteTheURL(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(net.Conn)
		words  string
	}{
		"closed before an answer": {func(c net.Conn) { readRequest(t, c) }, "connection closed before a response"},
		"reset": {func(c net.Conn) {
			readRequest(t, c)
			c.(*net.TCPConn).SetLinger(0)
		}, "connection reset by peer"},
		"half a header": {func(c net.Conn) {
			readRequest(t, c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le")
		}, "not an HTTP response"},
		"no HTTP": {func(c net.Conn) {
			line, _ := bufio.NewReader(c).ReadString('\n') // POST /services/T000/B000/hidden
			io.WriteString(c, line)
		}, "not an HTTP response"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHandler(t, forward.Config{URL: raw(t, test.answer)})
			wantRetry(t, h.HandleEvent(t.Context(), event(t, "call-end.json")), test.words)
		})
	}
}

func TestReasonPhraseIsNotQuoted(t *testing.T) {
	h := newHandler(t, forward.Config{URL: raw(t, func(c net.Conn) {
		readRequest(t, c)
		io.WriteString(c, "HTTP/1.1 500 hidden\r\nContent-Length: 0\r\n\r\n")
	})})
	wantRetry(t, h.HandleEvent(t.Context(), event(t, "call-end.json")), "status 500 Internal Server Error")
}

func TestResponseIsSuccessOnceItsHeadersArrive(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "half of it")
		},
		"without an end": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, strings.Repeat("more ", 1000))
			}
		},
		"that never comes": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			// An hour, so that only the limits of the response end it.
			h := newHandler(t, forward.Config{URL: serve(t, answer).URL, Timeout: time.Hour})
			if err := h.HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
				t.Error(err)
			}
		})
	}
}

// The endpoint closes a connection while the next request is under way on it. The event is
// sent on a new one.
func TestConnectionClosedBetweenRequestsFailsNoEvent(t *testing.T) {
	var connections atomic.Int32
	h := newHandler(t, forward.Config{URL: raw(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		for range 2 {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			io.Copy(io.Discard, r.Body)
			if connections.Add(1) == 2 {
				return // without a response to the second request
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})})
	for range 2 {
		if err := h.HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
			t.Error(err)
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d requests arrived, want 3", n)
	}
}

func TestTLSErrorsDoNotQuoteTheURL(t *testing.T) {
	plain := serve(t, nil)
	h := newHandler(t, forward.Config{URL: strings.Replace(plain.URL, "http:", "https:", 1) + hidden})
	wantRetry(t, h.HandleEvent(t.Context(), event(t, "call-end.json")), "the endpoint does not speak TLS")

	unknown := httptest.NewUnstartedServer(http.NotFoundHandler())
	unknown.Config.ErrorLog = silent
	unknown.StartTLS()
	defer unknown.Close()
	h = newHandler(t, forward.Config{URL: unknown.URL + hidden})
	wantRetry(t, h.HandleEvent(t.Context(), event(t, "call-end.json")), "certificate")
}
