package forward_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wildix-worker/events/handlers/forward"
)

// checked returns the error of Check for a URL.
func checked(t *testing.T, url string) error {
	t.Helper()
	h, err := forward.New(forward.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	return h.Check(t.Context())
}

func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", texts)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in: %v", text, err)
		}
	}
	if strings.Contains(err.Error(), "T0KEN") {
		t.Errorf("the error quotes the URL: %v", err)
	}
}

func TestCheckConnectsAndSendsNoRequest(t *testing.T) {
	names(t, [4]byte{127, 0, 0, 1})
	var requests atomic.Int32
	connections := make(chan struct{}, 10)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections <- struct{}{}
		}
	}
	s.Start()
	_, port, _ := strings.Cut(s.Listener.Addr().String(), ":")
	for _, host := range []string{"127.0.0.1", "hooks.example.com", "bücher.example.com"} {
		if err := checked(t, "http://"+host+":"+port+"/T0KEN"); err != nil {
			t.Error(err)
		}
		<-connections // the server may accept it later than the check connects
	}
	s.Close() // waits for requests
	if len(connections) != 0 || requests.Load() != 0 {
		t.Errorf("%d more connections and %d requests, want none", len(connections), requests.Load())
	}
}

func TestCheckRefusesLinkLocalTargets(t *testing.T) {
	names(t, [4]byte{169, 254, 169, 254})
	wantError(t, checked(t, "http://harmless.example.com/T0KEN"), "link-local and metadata addresses are refused")
}

func TestCheckNamesTheReasonAndARemedy(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	wantError(t, checked(t, closed.URL+"/T0KEN"), strings.TrimPrefix(closed.URL, "http://"), "connection refused", "whether the service runs")
	wantError(t, checked(t, "https://nowhere.invalid/T0KEN"), "nowhere.invalid", "the host of the URL")

	plain := serve(t, nil)
	plain.Config.ErrorLog = log.New(io.Discard, "", 0)
	wantError(t, checked(t, strings.Replace(plain.URL, "http://", "https://", 1)+"/T0KEN"), "http://")
}

func TestCheckVerifiesTheCertificate(t *testing.T) {
	var requests atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableHTTP2 = true
	s.StartTLS()
	wantError(t, checked(t, s.URL+"/T0KEN"), "certificate", "an authority that this machine trusts")
	h, err := forward.New(forward.Config{URL: s.URL + "/T0KEN"})
	if err != nil {
		t.Fatal(err)
	}
	h.Trust(s.Certificate())
	if err := h.Check(t.Context()); err != nil {
		t.Error(err)
	}
	s.Close()
	if requests.Load() > 0 {
		t.Errorf("the endpoint got %d requests", requests.Load())
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	// A listener that accepts no connection: the kernel connects, and the TLS handshake waits.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h, err := forward.New(forward.Config{URL: "https://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantError(t, h.Check(ctx), "no response in time", "firewall")
}
