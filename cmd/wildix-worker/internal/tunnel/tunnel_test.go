package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.ngrok.com/ngrok/v2"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/tunnel/tunneltest"
)

func TestMain(m *testing.M) {
	// ngrok's library sleeps between its tries, also after the agent is disconnected.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*reconnectingSession).connect"))
}

// open runs a tunnel to a local server until the test ends.
func open(t *testing.T, openOnce func(context.Context, *state) error) (made *Tunnel, logs *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	made = &Tunnel{state: newState("/webhook", zap.New(core)), open: openOnce}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- made.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return made, logs
}

// echo returns the address of a server that answers with the path and body of a request.
func echo(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		io.WriteString(w, r.URL.Path+" "+string(body))
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in 30 s: " + what)
		}
	}
}

func post(t *testing.T, url, body string) (answer string, err error) {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

func TestRequestsToThePublicURLArrive(t *testing.T) {
	srv := tunneltest.Start(t, "127.0.0.1:0")
	s, logs := open(t, (&localtunnel{server: srv.URL, id: "calls", to: echo(t)}).open)
	eventually(t, "open", func() bool { return s.Ready() == nil })
	url := srv.URL + "/public/calls/webhook"
	if line := logs.All()[0]; line.ContextMap()["url"] != url || !strings.Contains(line.Message, "in WMS, add a Webhook integration") {
		t.Errorf("%s %v", line.Message, line.ContextMap())
	}
	large := strings.Repeat("x", 1<<20)
	var all sync.WaitGroup
	for range 12 { // more than there are connections
		all.Go(func() {
			if got, err := post(t, url, large); err != nil || got != "/webhook "+large {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	all.Wait()
}

// A server that comes back gives the same name, and one line says so.
func TestLostTunnelIsOpenedAgain(t *testing.T) {
	srv := tunneltest.Start(t, "127.0.0.1:0")
	s, logs := open(t, (&localtunnel{server: srv.URL, to: echo(t)}).open)
	eventually(t, "open", func() bool { return s.Ready() == nil })
	srv.Stop()
	eventually(t, "down", func() bool { return s.Ready() != nil })
	tunneltest.Start(t, srv.Listener.Addr().String())
	eventually(t, "open again", func() bool { return s.Ready() == nil })
	if got, err := post(t, srv.URL+"/public/wise-otter-12/webhook", "again"); err != nil || got != "/webhook again" {
		t.Errorf("%q, %v", got, err)
	}
	if n := logs.FilterMessage("tunnel is down, will go on trying").Len(); n != 1 {
		t.Errorf("%d lines that it is down", n)
	}
	if n := logs.FilterMessage("tunnel is up again").Len(); n != 1 {
		t.Errorf("%d lines that it is up", n)
	}
	if logs.Len() != 3 {
		t.Errorf("logged %v", logs.All())
	}
}

func TestNameThatTheServerRefusesIsNotTriedAgain(t *testing.T) {
	srv := tunneltest.Start(t, "127.0.0.1:0")
	refused := &Tunnel{state: newState("/webhook", zap.NewNop()), open: (&localtunnel{server: srv.URL, id: "taken", to: "127.0.0.1:1"}).open}
	err := refused.Run(t.Context())
	if _, ok := errors.AsType[*exit.UsageError](err); !ok || !strings.Contains(err.Error(), "--tunnel (WILDIX_TUNNEL): the server refuses it: the name is taken") {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestServerThatIsNoneOfLocaltunnelIsWaitedFor(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }))
	defer srv.Close()
	s, logs := open(t, (&localtunnel{server: srv.URL, to: "127.0.0.1:1"}).open)
	eventually(t, "a line", func() bool { return logs.Len() > 0 })
	if s.Ready() == nil || !strings.Contains(logs.All()[0].ContextMap()["error"].(string), "is not a server of localtunnel") {
		t.Errorf("%v", logs.All())
	}
}

// No ngrok is reached here: what is seen is that it is waited for, and that a stop ends it.
func TestNgrokThatIsNotReachedIsWaitedFor(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	s, logs := open(t, (&ngrokTunnel{token: "hidden", to: "127.0.0.1:1", options: []ngrok.AgentOption{ngrok.WithAgentConnectURL(closed.Addr().String())}}).open)
	eventually(t, "a line", func() bool { return logs.Len() > 0 })
	if s.Ready() == nil || logs.All()[0].Message != "tunnel is down, will go on trying" || strings.Contains(logs.All()[0].ContextMap()["error"].(string), "hidden") {
		t.Errorf("%v", logs.All())
	}
}
