package admin

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// Whoever guesses gets few tries, and is noticed.
func TestWrongTokensAreDelayedCountedAndLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		g := newGuard("a token that is long", prometheus.NewRegistry(), zap.New(core))
		protected := g.require(http.NotFoundHandler())
		for _, test := range []struct {
			authorization string
			status        int
			took          time.Duration
		}{
			{"", 401, 0}, // the page asks before it has the token
			{"Bearer a", 401, wrongTokenDelay},
			{"Basic YTpi", 401, wrongTokenDelay},
			{"Bearer a token that is lonh", 401, wrongTokenDelay},
			{"Bearer a token that is long", 404, 0},
		} {
			start := time.Now()
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set("Authorization", test.authorization)
			w := httptest.NewRecorder()
			protected.ServeHTTP(w, r)
			if took := time.Since(start); w.Code != test.status || took != test.took {
				t.Errorf("%q: %d after %s", test.authorization, w.Code, took)
			}
		}
		if n := testutil.ToFloat64(g.wrong); n != 3 {
			t.Errorf("counted %v", n)
		}
		if n := logs.FilterMessage("wrong tokens at the admin address").Len(); n != 1 || logs.Len() != 1 {
			t.Errorf("logged %v", logs.All())
		}
	})
}

// Idle connections must neither use up the files of the process nor keep others out.
func TestAdminConnectionsAreLimited(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "127.0.0.1:0"} {
		l, err := net.Listen("tcp", addr)
		fatal(t, err)
		a := New("test")
		a.Token = "a token that is long"
		stop := a.ServeOn(l, zap.NewNop())
		local := fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port)
		idle := make([]net.Conn, 3*maxConnections)
		for i := range idle {
			idle[i], err = net.Dial("tcp", local)
			fatal(t, err)
		}
		req, err := http.NewRequest(http.MethodGet, "http://"+local+"/metrics", nil)
		fatal(t, err)
		req.Header.Set("Authorization", "Bearer a token that is long")
		client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
		resp, err := client.Do(req)
		fatal(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", addr, resp.Status)
		}
		if n := openOf(idle); n > maxUntrusted {
			t.Errorf("%s: %d idle connections are open", addr, n)
		}
		client.CloseIdleConnections()
		for _, conn := range idle {
			conn.Close()
		}
		stop()
	}
}

// openOf returns how many connections the server has not closed.
func openOf(conns []net.Conn) (open int) {
	for _, conn := range conns {
		conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		_, err := conn.Read(make([]byte, 1))
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			open++
		}
	}
	return open
}
