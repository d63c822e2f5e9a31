package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/events/calls"
)

// A firmWeb is an HTTP endpoint that can be down, in one of two ways: it does not answer, or
// it answers 503.
type firmWeb struct {
	f     *firm
	hangs bool // while it is down, instead of answering 503

	mu       sync.Mutex
	server   *httptest.Server
	isUp     chan struct{} // closed while it is up
	arrivals arrivals
	keys     map[string]string // idempotency keys by the name of the call
}

func (f *firm) newWeb(hangs bool) *firmWeb {
	w := &firmWeb{f: f, hangs: hangs, isUp: make(chan struct{}), arrivals: make(arrivals), keys: make(map[string]string)}
	close(w.isUp)
	w.listen("127.0.0.1:0")
	f.t.Cleanup(func() { w.server.Close() })
	return w
}

func (w *firmWeb) listen(address string) {
	l, err := net.Listen("tcp", address)
	awstest.Fatal(w.f.t, err)
	w.server = httptest.NewUnstartedServer(w)
	w.server.Listener.Close()
	w.server.Listener = l
	w.server.Start()
}

// settle ends all connections. Close waits for requests that are being served.
func (w *firmWeb) settle(*testing.T) {
	address := w.server.Listener.Addr().String()
	w.server.Close()
	w.listen(address)
}

func (w *firmWeb) down(*testing.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isUp = make(chan struct{})
}

func (w *firmWeb) up(*testing.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.isUp)
}

func (w *firmWeb) received(*testing.T) arrivals {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.arrivals.clone()
}

func (a arrivals) clone() arrivals {
	c := make(arrivals, len(a))
	for key, lives := range a {
		c[key] = append([]string(nil), lives...)
	}
	return c
}

var personName = regexp.MustCompile(`Person \d{3}`)

func (w *firmWeb) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	w.mu.Lock()
	isUp := w.isUp
	w.mu.Unlock()
	select {
	case <-isUp:
	default:
		if w.hangs {
			select {
			case <-isUp:
			case <-r.Context().Done():
			}
		}
		err = http.ErrServerClosed
	}
	if err != nil {
		out.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	name, key := personName.FindString(string(body)), r.Header.Get("Idempotency-Key")
	if known := w.keys[name]; known != "" && known != key {
		w.f.t.Errorf("the call with %s has two idempotency keys", name)
	}
	if !json.Valid(body) || r.Header.Get("X-Wildix-Event") != "call:finished" {
		w.f.t.Errorf("a request with %s: %s", r.Header.Get("X-Wildix-Event"), body)
	}
	w.keys[name] = key
	w.arrivals[name] = append(w.arrivals[name], w.f.thisLife())
}

func (f *firm) addSlack() {
	web := f.newWeb(true)
	f.setenv("SLACK_WEBHOOK_URL", web.server.URL+"/services/T0/B0/x")
	f.addWeb("missed", web, func(c *firmCall) bool { return c.missed() && c.direction == calls.Inbound })
}

func (f *firm) addCRM() {
	web := f.newWeb(false)
	f.setenv("CRM_URL", web.server.URL+"/crm/v3/objects/calls", "CRM_TOKEN", "token")
	f.addWeb("crm", web, func(c *firmCall) bool { return c.direction != calls.Internal })
}

func (f *firm) addWeb(name string, web *firmWeb, wants func(*firmCall) bool) {
	f.destinations = append(f.destinations, &firmDestination{
		name: name, derived: true, wants: func(c *firmCall, _ string) bool { return wants(c) },
		received: web.received, down: web.down, up: web.up, settle: web.settle,
	})
}

// missed reports whether nobody answered, of a call that somebody could have answered here.
func (c *firmCall) missed() bool { return !c.answered && c.direction != calls.Outbound }

func firmGet(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return "" // not started yet
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Sprint(resp.Status, err)
	}
	return string(text)
}
