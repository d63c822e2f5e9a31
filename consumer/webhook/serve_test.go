package webhook_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
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
		{"half a body", "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 5 * time.Second, "HTTP/1.1 408"},
		{"idle", "GET /webhook HTTP/1.1\r\nHost: x\r\n\r\n", 80 * time.Second, "HTTP/1.1 200"},
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

func TestConnectionsAreLimited(t *testing.T) {
	cfg := configFor(succeed)
	cfg.MaxConnections = 2
	withServer(t, cfg, func(s *testServer) {
		s.client.CloseIdleConnections()
		transport := s.client.Transport.(*http.Transport)
		dial := transport.DialContext
		open := make([]net.Conn, 2)
		for i := range open {
			var err error
			open[i], err = dial(s.t.Context(), "", "")
			fatal(t, err)
		}
		waiting := s.sendAsync("1")
		time.Sleep(time.Second)
		if outcomes := s.outcomes(); outcomes != "" {
			t.Errorf("a third connection was served: %s", outcomes)
		}
		open[0].Close()
		s.want(<-waiting, http.StatusNoContent)
		open[1].Close()
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
