package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/admin/console"
	"wildix-worker/cmd/wildix-worker/internal/config"
)

func TestMetricsRequireTheTokenExceptOnLoopback(t *testing.T) {
	a := New("test")
	a.Healthy = func() error { return errors.New("a poll has been stuck for 41s") }
	const token = "a long one"
	for _, test := range []struct {
		addr, path, authorization string
		status                    int
	}{
		{"127.0.0.1:9464", "/metrics", "", 200},
		{"[::1]:9464", "/metrics", "", 200},
		{"0.0.0.0:9464", "/metrics", "", 401},
		{"[::]:9464", "/metrics", "", 401},
		{"192.0.2.1:9464", "/metrics", "Bearer another", 401},
		{"192.0.2.1:9464", "/metrics", token, 401},
		{"192.0.2.1:9464", "/metrics", "Bearer " + token, 200},
		{"192.0.2.1:9464", "/readyz", "", 200},
		{"192.0.2.1:9464", "/healthz", "", 503},
	} {
		addr, err := net.ResolveTCPAddr("tcp", test.addr)
		fatal(t, err)
		req := httptest.NewRequest(http.MethodGet, test.path, nil)
		if test.authorization != "" {
			req.Header.Set("Authorization", test.authorization)
		}
		w := httptest.NewRecorder()
		a.handler(addr, token).ServeHTTP(w, req)
		if w.Code != test.status {
			t.Errorf("%s%s with %q: %d, want %d", test.addr, test.path, test.authorization, w.Code, test.status)
		}
	}
	w := httptest.NewRecorder()
	a.handler(&net.TCPAddr{}, "").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != 401 {
		t.Errorf("without a token to compare with: %d", w.Code)
	}
}

func TestConsoleRequiresALocalNameOrTheToken(t *testing.T) {
	const token = "a long one"
	for _, test := range []struct {
		addr, host, path, authorization string
		status                          int
	}{
		// Where no token is required, no other name is served.
		{"127.0.0.1:9464", "127.0.0.1:9464", "/", "", 200},
		{"127.0.0.1:9464", "localhost:9464", "/", "", 200},
		{"127.0.0.1:9464", "localhost", "/console/page.js", "", 200},
		{"[::1]:9464", "[::1]:9464", "/", "", 200},
		{"[::1]:9464", "[::1]", "/", "", 200},
		{"127.0.0.1:9464", "rebound.example.com:9464", "/", "", 421},
		{"127.0.0.1:9464", "rebound.example.com", "/console/events", "", 421},
		{"127.0.0.1:9464", "192.0.2.1:9464", "/console/events", "", 421},
		{"127.0.0.1:9464", "", "/console/events", "", 421},
		// Elsewhere the page is served to everyone, its data is not.
		{"0.0.0.0:9464", "worker.example.com:9464", "/", "", 200},
		{"0.0.0.0:9464", "worker.example.com:9464", "/console/page.css", "", 200},
		{"0.0.0.0:9464", "worker.example.com:9464", "/console/events", "", 401},
		{"0.0.0.0:9464", "127.0.0.1:9464", "/console/events", "", 401},
		{"0.0.0.0:9464", "127.0.0.1:9464", "/console/events", "Bearer another", 401},
	} {
		a := New("test")
		a.console = console.New(console.Config{})
		addr, err := net.ResolveTCPAddr("tcp", test.addr)
		fatal(t, err)
		gone, leave := context.WithCancel(t.Context())
		leave() // ends the stream
		req := httptest.NewRequestWithContext(gone, http.MethodGet, test.path, nil)
		req.Host = test.host
		req.Header.Set("Authorization", test.authorization)
		w := httptest.NewRecorder()
		a.handler(addr, token).ServeHTTP(w, req)
		if w.Code != test.status {
			t.Errorf("%s on %s as %q: %d, want %d", test.path, test.addr, test.host, w.Code, test.status)
		}
	}
}

func TestStopEndsConsoleStreams(t *testing.T) {
	t.Setenv(config.AdminTokenVariable, "a long one")
	l, err := net.Listen("tcp", "0.0.0.0:0")
	fatal(t, err)
	a := New("test")
	stop := a.ServeOn(l, zap.NewNop())
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/console/events", l.Addr().(*net.TCPAddr).Port), nil)
	fatal(t, err)
	req.Header.Set("Authorization", "Bearer a long one")
	resp, err := http.DefaultClient.Do(req)
	fatal(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	stop()
	// The stream would be cut off if Shutdown had timed out.
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.HasPrefix(string(body), "data: {") {
		t.Errorf("stream %.20q, %v", body, err)
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
