package connlimit_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/internal/connlimit"
)

// A fixture is a server whose connections are trusted by a request of /trusted. A request of
// /slow takes ten seconds.
type fixture struct {
	t        *testing.T
	pipe     *sqslocal.PipeListener
	listener *connlimit.Listener
	closed   atomic.Int64
}

func withServer(t *testing.T, limit, untrusted int, test func(*fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{t: t, pipe: sqslocal.Pipe()}
		f.listener = connlimit.New(f.pipe, connlimit.Config{Max: limit, MaxUntrusted: untrusted, Closed: func() { f.closed.Add(1) }})
		srv := &http.Server{
			Handler: http.HandlerFunc(serve), ConnState: f.listener.ConnState, ConnContext: f.listener.ConnContext, ReadHeaderTimeout: time.Hour,
		}
		done := make(chan error, 1)
		go func() { done <- srv.Serve(f.listener) }()
		test(f)
		srv.Close()
		<-done
	})
}

func serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/trusted") {
		connlimit.Trust(r.Context())
	}
	if strings.HasSuffix(r.URL.Path, "/slow") {
		time.Sleep(10 * time.Second)
	}
	fmt.Fprint(w, connlimit.Untrusted(r.Context()))
}

// dial connects, and requests the path unless that is empty.
func (f *fixture) dial(path string) *client {
	f.t.Helper()
	conn, err := f.pipe.DialContext(f.t.Context(), "", "")
	if err != nil {
		f.t.Fatal(err)
	}
	c := &client{conn, bufio.NewReader(conn)}
	if path != "" {
		if answer := c.get(path); answer != fmt.Sprint(!strings.HasPrefix(path, "/trusted")) {
			f.t.Errorf("GET %s: %s", path, answer)
		}
	}
	time.Sleep(time.Second) // so that the next one is younger
	return c
}

type client struct {
	net.Conn
	answers *bufio.Reader
}

func (c *client) get(path string) string {
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path) // fails if the connection is closed
	resp, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var answer string
	fmt.Fscan(resp.Body, &answer)
	return answer
}

func (c *client) isOpen() bool { return !strings.Contains(c.get("/"), "EOF") }

func (f *fixture) want(open ...bool) func(clients ...*client) {
	return func(clients ...*client) {
		f.t.Helper()
		for i, c := range clients {
			if got := c.isOpen(); got != open[i] {
				f.t.Errorf("connection %d open: %t, want %t", i, got, open[i])
			}
		}
	}
}

func TestOldestUntrustedConnectionGoes(t *testing.T) {
	withServer(t, 4, 4, func(f *fixture) {
		trusted, idle, silent, fresh := f.dial("/trusted"), f.dial("/"), f.dial(""), f.dial("/")
		newcomer := f.dial("/trusted")
		f.want(true, false, true, true, true)(trusted, idle, silent, fresh, newcomer)
		if n, open := f.closed.Load(), f.listener.Open(); n != 1 || open != 4 {
			t.Errorf("%d closed, %d open", n, open)
		}
	})
}

func TestUntrustedConnectionsHaveALimitOfTheirOwn(t *testing.T) {
	withServer(t, 10, 2, func(f *fixture) {
		trusted, first, second, third := f.dial("/trusted"), f.dial("/"), f.dial("/"), f.dial("/")
		f.want(true, false, true, true)(trusted, first, second, third)
	})
}

func TestTrustedConnectionThatIsIdleForLongestGoesIfAllAreTrusted(t *testing.T) {
	withServer(t, 2, 1, func(f *fixture) {
		first, second := f.dial("/trusted"), f.dial("/trusted")
		first.get("/") // used since
		newcomer := f.dial("/trusted")
		f.want(true, false, true)(first, second, newcomer)
	})
}

func TestConnectionsInUseAreNotClosed(t *testing.T) {
	withServer(t, 1, 1, func(f *fixture) {
		busy := f.dial("/trusted")
		answered := make(chan string, 1)
		go func() { answered <- busy.get("/slow") }()
		synctest.Wait()
		start := time.Now()
		newcomer := f.dial("/trusted") // waits until the other one is idle
		if took := time.Since(start); took != 11*time.Second || <-answered != "false" {
			t.Errorf("after %s", took)
		}
		f.want(false, true)(busy, newcomer)
	})
}

func TestCloseEndsAcceptThatWaits(t *testing.T) {
	withServer(t, 1, 1, func(f *fixture) {
		busy := f.dial("/trusted")
		go busy.get("/slow")
		synctest.Wait()
		newcomer := f.dial("")
		f.listener.Close()
		if newcomer.isOpen() {
			t.Error("the connection was accepted")
		}
		time.Sleep(10 * time.Second) // so that the handler has returned
	})
}

// One client displaces its own connections, not those of others.
func TestNetworkWithMostConnectionsLosesFirst(t *testing.T) {
	for _, test := range []struct {
		name          string
		many          []string
		other         string
		otherIsClosed bool
	}{
		{"IPv4", []string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3"}, "192.0.2.2:1", false},
		{"IPv6", []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1"}, "[2001:db8:0:1::1]:1", false},
		{"all from different networks", []string{"192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"}, "192.0.2.4:1", true},
	} {
		synctest.Test(t, func(t *testing.T) {
			accept := make(accepting, 10)
			l := connlimit.New(accept, connlimit.Config{Max: 3, MaxUntrusted: 3})
			open := func(addr string) *addressed {
				c := &addressed{addr: addr}
				accept <- c
				if _, err := l.Accept(); err != nil {
					t.Fatal(err)
				}
				return c
			}
			other := open(test.other)
			for _, addr := range test.many {
				open(addr)
			}
			if other.closed != test.otherIsClosed {
				t.Errorf("%s: the oldest connection, from another network, closed: %t", test.name, other.closed)
			}
		})
	}
}

// accepting is a listener whose connections come from addresses of the test.
type accepting chan *addressed

func (l accepting) Accept() (net.Conn, error) { return <-l, nil }
func (accepting) Close() error                { return nil }
func (accepting) Addr() net.Addr              { return nil }

type addressed struct {
	net.Conn
	addr   string
	closed bool
}

func (c *addressed) RemoteAddr() net.Addr {
	addr, _ := net.ResolveTCPAddr("tcp", c.addr)
	return addr
}

func (c *addressed) Close() error {
	c.closed = true
	return nil
}

// A burst of honest clients is larger than the number of untrusted connections.
func TestBurstOfTrustedClientsLosesNone(t *testing.T) {
	withServer(t, 100, 2, func(f *fixture) {
		var clients sync.WaitGroup
		for range 50 {
			clients.Go(func() {
				conn, err := f.pipe.DialContext(f.t.Context(), "", "")
				if err != nil {
					f.t.Error(err)
					return
				}
				if answer := (&client{conn, bufio.NewReader(conn)}).get("/trusted"); answer != "false" {
					f.t.Errorf("answer %s", answer)
				}
			})
		}
		clients.Wait()
		if n := f.closed.Load(); n > 0 {
			t.Errorf("%d closed", n)
		}
	})
}
