package forward_test

import (
	"io"
	"log"
	"net"
	"strings"
	"testing"

	"wildix-worker/events/handlers/forward"
)

var silent = log.New(io.Discard, "", 0)

func TestLinkLocalURLIsInvalid(t *testing.T) {
	for _, host := range []string{
		"169.254.169.254", "169.254.170.2:80", "[fe80::1]", "[fe80::1%25lo]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
		"[fd00:ec2::254]", "[fd00:ec2::23]:80",
	} {
		err := forward.Config{URL: "http://" + host + hidden}.Validate()
		if err == nil {
			t.Fatalf("%s is allowed", host)
		}
		wantWords(t, err, "link-local and metadata addresses are refused")
	}
	for _, host := range []string{"127.0.0.1:5678", "[::1]", "10.0.0.1", "192.168.1.1", "172.16.0.1", "[fd12::1]", "localhost:5678"} {
		if err := (forward.Config{URL: "http://" + host}).Validate(); err != nil {
			t.Error(err)
		}
	}
}

// names serves DNS on loopback: every name has the IPv4 address.
func names(t *testing.T, addr [4]byte) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			conn.WriteTo(dnsAnswer(buffer[:n], addr), from)
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: dialTo(conn.LocalAddr().String())}
	t.Cleanup(func() {
		net.DefaultResolver = before
		conn.Close()
		<-done
	})
}

func TestNameOfALinkLocalAddressIsRefused(t *testing.T) {
	names(t, [4]byte{169, 254, 169, 254})
	h := newHandler(t, forward.Config{URL: "http://harmless.example.com" + hidden})
	err := h.HandleEvent(t.Context(), event(t, "call-end.json"))
	wantRetry(t, err, "forward to harmless.example.com: link-local and metadata addresses are refused")
}

func TestNameOfAnAllowedAddressIsReached(t *testing.T) {
	names(t, [4]byte{127, 0, 0, 1})
	s := serve(t, nil)
	_, port, _ := strings.Cut(s.Listener.Addr().String(), ":")
	h := newHandler(t, forward.Config{URL: "http://harmless.example.com:" + port})
	if err := h.HandleEvent(t.Context(), event(t, "call-end.json")); err != nil {
		t.Fatal(err)
	}
	s.wantRequests(t, 1)
}
