package webhook_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
)

const largeSize = 20 << 10

// large returns an event of a size.
func large(id string, size int) string {
	return strings.TrimSuffix(event(id), "}") + `,"padding":"` + strings.Repeat("x", size) + `"}`
}

func (s *testServer) dial() net.Conn {
	s.t.Helper()
	conn, err := s.client.Transport.(*http.Transport).DialContext(s.t.Context(), "", "")
	fatal(s.t, err)
	return conn
}

// unfinished connects, and sends a part of a request.
func (s *testServer) unfinished(request string) net.Conn {
	conn := s.dial()
	go io.WriteString(conn, request) // fails if the server does not read it all
	return conn
}

// Bodies that a client does not finish must neither fill the memory nor keep others out.
func TestSlowestLargeBodyGivesWay(t *testing.T) {
	for _, test := range []struct {
		size, count int
		full        bool
	}{{largeSize, 100, false}, {100 << 10, 250, true}, {1<<20 - 200, 30, true}} {
		t.Run(fmt.Sprint(test.size), func(t *testing.T) {
			withServer(t, configFor(succeed), func(s *testServer) {
				request := raw(signed(large("1", test.size)), large("1", test.size))
				for range test.count {
					conn := s.unfinished(request[:len(request)-1])
					defer conn.Close()
				}
				time.Sleep(2 * time.Second)
				for i := range 40 {
					body := large(strconv.Itoa(i), largeSize)
					s.want(s.post(s.t.Context(), body, sign(body)), http.StatusNoContent)
				}
				refused := s.stats().Refused
				if (refused > 0) != test.full {
					t.Errorf("%d refused", refused)
				}
				time.Sleep(time.Minute)
				if n := s.logs.FilterMessageSnippet("too many large bodies at once, answering").Len(); n != int(min(refused, 1)) {
					t.Errorf("logged %d times", n)
				}
			})
		})
	}
}

// A client that sends a byte now and then is slow too.
func TestBodyThatTricklesGivesWay(t *testing.T) {
	withServer(t, configFor(succeed), func(s *testServer) {
		body := large("1", 1<<20-200)
		request := raw(signed(body), body)
		for range 20 {
			conn := s.dial()
			defer conn.Close()
			go func() {
				io.WriteString(conn, request[:len(request)-1000])
				for i := len(request) - 1000; i < len(request); i++ {
					time.Sleep(10 * time.Millisecond)
					if _, err := conn.Write([]byte{request[i]}); err != nil {
						return
					}
				}
			}()
		}
		time.Sleep(2 * time.Second)
		fast := large("fast", 1<<20-200)
		s.want(s.post(s.t.Context(), fast, sign(fast)), http.StatusNoContent)
	})
}

// A body of which all has come is not slow, however long its handler takes.
func TestLargeBodiesAreKeptWhileTheyAreHandled(t *testing.T) {
	const maxLarge = 64
	cfg := configFor(sleepFor(time.Second))
	cfg.Concurrency = 100
	withServer(t, cfg, func(s *testServer) {
		var answers []chan answer
		send := func(id int) answer {
			body := large(strconv.Itoa(id), 500<<10)
			return s.post(s.t.Context(), body, sign(body))
		}
		for i := range maxLarge {
			c := make(chan answer, 1)
			answers = append(answers, c)
			go func() { c <- send(i) }()
			synctest.Wait()
		}
		s.want(send(maxLarge), http.StatusServiceUnavailable)
		s.want(s.send("small"), http.StatusNoContent)
		for _, c := range answers {
			s.want(<-c, http.StatusNoContent)
		}
		if n := s.stats().Refused; n != 1 {
			t.Errorf("%d refused", n)
		}
		s.want(send(maxLarge), http.StatusNoContent)
	})
}

// The Content-Length is enough to refuse a request.
func TestTooLargeBodyIsRefusedBeforeItIsRead(t *testing.T) {
	cfg := configFor(mustNotBeCalled(t))
	cfg.MaxBody = 4096
	withServer(t, cfg, func(s *testServer) {
		conn, err := s.client.Transport.(*http.Transport).DialContext(s.t.Context(), "", "")
		fatal(t, err)
		start := time.Now()
		_, err = io.WriteString(conn, "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
		fatal(t, err)
		buf := make([]byte, 64)
		_, err = conn.Read(buf)
		fatal(t, err)
		if took := time.Since(start); took > time.Second || !strings.HasPrefix(string(buf), "HTTP/1.1 413") {
			t.Errorf("%q after %s", buf, took)
		}
		conn.Close()
	})
}

// Reading and hashing the body of a request that can't be valid would cost memory and time.
func TestUnsignedRequestIsRefusedBeforeItsBodyIsRead(t *testing.T) {
	r := newReceiver(t, mustNotBeCalled(t))
	for _, sig := range []string{"", "xyz", sign("")[1:], strings.Repeat("g", 64)} {
		req := httptest.NewRequest(http.MethodPost, webhook.Path, mustNotBeRead{t})
		req.Header.Set("X-Signature", sig)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("signature %q: answer %d", sig, w.Code)
		}
	}
	if n := r.Stats().Outcomes[events.Rejected]; n != 4 {
		t.Errorf("%d rejected, want 4", n)
	}
}

type mustNotBeRead struct{ t *testing.T }

func (r mustNotBeRead) Read([]byte) (int, error) {
	r.t.Error("the body was read")
	return 0, io.EOF
}
