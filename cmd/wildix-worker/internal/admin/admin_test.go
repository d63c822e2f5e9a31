package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/admin/console"
	"wildix-worker/events/route"
)

func TestMetricsRequireTheTokenExceptOnLoopback(t *testing.T) {
	a := New("test")
	a.Healthy = func() error { return errors.New("a poll has been stuck for 41s") }
	const token = "a token that is long"
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
		req := httptest.NewRequest(http.MethodGet, "http://"+test.addr+test.path, nil)
		if test.authorization != "" {
			req.Header.Set("Authorization", test.authorization)
		}
		w := httptest.NewRecorder()
		a.handler(addr, guardOf(token)).ServeHTTP(w, req)
		if w.Code != test.status {
			t.Errorf("%s%s with %q: %d, want %d", test.addr, test.path, test.authorization, w.Code, test.status)
		}
	}
	w := httptest.NewRecorder()
	a.handler(&net.TCPAddr{}, guardOf("")).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != 401 {
		t.Errorf("without a token to compare with: %d", w.Code)
	}
}

func TestReadyNamesDestinationsThatAreDown(t *testing.T) {
	a := New("test")
	a.Destinations = func() []route.Stats {
		return []route.Stats{{
			Name: "forward", State: route.Down, Since: time.Date(2026, 5, 1, 15, 4, 5, 0, time.UTC), Held: 120,
			LastError: "status 503 for +12025550142",
		}}
	}
	const token = "a token that is long"
	for _, test := range []struct {
		addr, host, authorization string
		unmasked                  bool
		reason                    string
	}{
		{"127.0.0.1:9464", "", "", false, " (status 503 for ***42)"},
		{"127.0.0.1:9464", "", "", true, " (status 503 for +12025550142)"},
		{"127.0.0.1:9464", "rebound.example.com", "", false, ""},
		{"0.0.0.0:9464", "", "", true, ""}, // without a token
		{"0.0.0.0:9464", "", "Bearer another", false, ""},
		{"0.0.0.0:9464", "", "Bearer " + token, false, " (status 503 for ***42)"},
	} {
		addr, err := net.ResolveTCPAddr("tcp", test.addr)
		fatal(t, err)
		a.Unmasked = test.unmasked
		req := httptest.NewRequest(http.MethodGet, "http://"+cmp.Or(test.host, test.addr)+"/readyz", nil)
		req.Header.Set("Authorization", test.authorization)
		w := httptest.NewRecorder()
		a.handler(addr, guardOf(token)).ServeHTTP(w, req)
		want := "ready; destination forward is down since 2026-05-01T15:04:05Z" + test.reason + ", 120 events held\n"
		if w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%+v: %d %q, want %q", test, w.Code, w.Body, want)
		}
	}
}

func TestConsoleRequiresALocalNameOrTheToken(t *testing.T) {
	const token = "a token that is long"
	for _, test := range []struct {
		addr, host, path, authorization string
		status                          int
	}{
		// Without a token, requests for other hosts are refused.
		{"127.0.0.1:9464", "127.0.0.1:9464", "/", "", 200},
		{"127.0.0.1:9464", "localhost:9464", "/", "", 200},
		{"127.0.0.1:9464", "localhost", "/console/page.js", "", 200},
		{"[::1]:9464", "[::1]:9464", "/", "", 200},
		{"[::1]:9464", "[::1]", "/", "", 200},
		{"127.0.0.1:9464", "localhost:9464", "/metrics", "", 200},
		{"127.0.0.1:9464", "rebound.example.com:9464", "/metrics", "", 421},
		{"127.0.0.1:9464", "rebound.example.com:9464", "/healthz", "", 200},
		{"127.0.0.1:9464", "rebound.example.com:9464", "/", "", 421},
		{"127.0.0.1:9464", "rebound.example.com", "/console/events", "", 421},
		{"127.0.0.1:9464", "192.0.2.1:9464", "/console/events", "", 421},
		{"127.0.0.1:9464", "", "/console/events", "", 421},
		// With a token, everyone may request the page but not its data.
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
		a.handler(addr, guardOf(token)).ServeHTTP(w, req)
		if w.Code != test.status {
			t.Errorf("%s on %s as %q: %d, want %d", test.path, test.addr, test.host, w.Code, test.status)
		}
	}
}

func TestStopEndsConsoleStreams(t *testing.T) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	fatal(t, err)
	a := New("test")
	a.Token = "a token that is long"
	stop := a.ServeOn(l, zap.NewNop())
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/console/events", l.Addr().(*net.TCPAddr).Port), nil)
	fatal(t, err)
	req.Header.Set("Authorization", "Bearer a token that is long")
	resp, err := http.DefaultClient.Do(req)
	fatal(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	stop()
	// After a timeout of Shutdown the stream would end with an error.
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.HasPrefix(string(body), "data: {") {
		t.Errorf("stream %.20q, %v", body, err)
	}
}

func guardOf(token string) *guard { return newGuard(token, prometheus.NewRegistry(), zap.NewNop()) }

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
