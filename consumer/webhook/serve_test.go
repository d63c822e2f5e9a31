package webhook_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
)

// serve starts a receiver on a real socket until the test ends, and returns
// its address.
func serve(t *testing.T, cfg webhook.Config) string {
	t.Helper()
	cfg.Keys = keyring(t)
	receiver, err := webhook.New(cfg)
	fatal(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- receiver.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		fatal(t, <-done)
	})
	return l.Addr().String()
}

func TestGetIsHealthCheck(t *testing.T) {
	withServer(t, configFor(succeed), func(s *testServer) {
		for path, want := range map[string]int{webhook.Path: 200, "/": 404, webhook.Path + "/x": 404} {
			resp, err := s.client.Get("http://receiver" + path)
			fatal(t, err)
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("GET %s: %d, want %d", path, resp.StatusCode, want)
			}
		}
		s.wantOutcomes("")
	})
}

func TestSlowClientsAreDisconnected(t *testing.T) {
	for _, test := range []struct {
		name, sent string
		limit      time.Duration
		answer     string
	}{
		{"no request", "", 5 * time.Second, ""},
		{"half a header", "POST /webhook HTTP/1.1\r\nHost: x\r\nX-Sign", 5 * time.Second, ""},
		{"half a body", "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 5 * time.Second, "HTTP/1.1 401"},
		{"idle", "GET /webhook HTTP/1.1\r\nHost: x\r\n\r\n", time.Second, "HTTP/1.1 200"},
		{"idle without a valid signature", raw(signed("other"), event("1")), time.Second, "HTTP/1.1 401"},
		{"half a signed body", "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n" + signed("") + "\r\n{", 5 * time.Second, "HTTP/1.1 408"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver(t, mustNotBeCalled(t))
				l := sqslocal.Pipe()
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- r.Serve(ctx, l) }()
				conn, err := l.DialContext(ctx, "", "")
				fatal(t, err)
				start := time.Now()
				if test.sent != "" {
					_, err = conn.Write([]byte(test.sent))
					fatal(t, err)
				}
				answer := readUntilClosed(conn)
				if took := time.Since(start); took > test.limit || !strings.HasPrefix(answer, test.answer) {
					t.Errorf("disconnected after %s with %q", took, answer)
				}
				conn.Close()
				stop()
				fatal(t, <-done)
			})
		})
	}
}

func readUntilClosed(conn net.Conn) string {
	var all []byte
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		all = append(all, buf[:n]...)
		if err != nil {
			return string(all)
		}
	}
}

// Idle connections must keep nobody out.
func TestConnectionsThatShowNoSignatureGiveWay(t *testing.T) {
	cfg := configFor(succeed)
	cfg.MaxConnections = 160 // of which 20 need no signature
	withServer(t, cfg, func(s *testServer) {
		dial := s.client.Transport.(*http.Transport).DialContext
		for range 30 {
			conn, err := dial(s.t.Context(), "", "")
			fatal(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, "GET /webhook HTTP/1.1\r\n")
			fatal(t, err)
			synctest.Wait()
		}
		for i := range 4 {
			a := s.send(strconv.Itoa(i))
			s.want(a, http.StatusNoContent)
			if a.took > time.Second {
				t.Errorf("answered after %s", a.took)
			}
		}
		if got := s.stats(); got.Connections != 20 || got.ConnectionsClosed != 10+1 {
			t.Errorf("stats %+v", got)
		}
		time.Sleep(time.Minute)
		began := s.logs.FilterMessageSnippet("too many connections").Len()
		ended := s.logs.FilterMessage("connections are no longer closed for others").All()
		if began != 1 || len(ended) != 1 || ended[0].ContextMap()["closed"] != int64(11) {
			t.Errorf("logged %d times that the limit is reached, and %v", began, ended)
		}
	})
}

// A proxy keeps connections for longer than a minute, and must not meet one that is closed.
func TestConnectionIsKeptAfterValidSignature(t *testing.T) {
	cfg := configFor(succeed)
	withServer(t, cfg, func(s *testServer) {
		conn, err := s.client.Transport.(*http.Transport).DialContext(s.t.Context(), "", "")
		fatal(t, err)
		answers := bufio.NewReader(conn)
		for _, test := range []struct {
			request string
			status  int
		}{
			{raw(signed(event("1")), event("1")), 204},
			{raw(signed("other"), event("1")), 401}, // of another client of the proxy
			{"GET /webhook HTTP/1.1\r\nHost: x\r\n\r\n", 200},
			{"GET /other HTTP/1.1\r\nHost: x\r\n\r\n", 404},
			{raw(signed("not JSON"), "not JSON"), 400},
		} {
			_, err := io.WriteString(conn, test.request)
			fatal(t, err)
			resp, err := http.ReadResponse(answers, nil)
			fatal(t, err)
			io.Copy(io.Discard, resp.Body)
			if resp.StatusCode != test.status || resp.Close {
				t.Errorf("%.30q: answer %d, closes the connection: %t", test.request, resp.StatusCode, resp.Close)
			}
			time.Sleep(610 * time.Second)
		}
		start := time.Now()
		conn.Read(make([]byte, 1))
		if took := time.Since(start); took != webhook.DefaultIdleTimeout-610*time.Second {
			t.Errorf("closed after %s more", took)
		}
	})
}

func TestServeClosesListenerOnError(t *testing.T) {
	r, err := webhook.New(webhook.Config{Keys: keyring(t), Handler: events.HandlerFunc(succeed), TLS: &tls.Config{}}) // without a certificate
	fatal(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	if r.Serve(t.Context(), l) == nil {
		t.Error("no error")
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("the listener still accepts connections")
	}
}
