package webhook_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"wildix-worker/consumer/webhook"
)

const maxMemory = 128 << 10 // KiB

// raceDetector is true if the test is built with the race detector, which takes memory itself.
var raceDetector bool

// attacks are what clients without a secret can send to take memory.
var attacks = []struct {
	name     string
	request  string
	protocol string // of TLS
}{
	{"nothing", "", ""},
	{"half a header", "POST /webhook HTTP/1.1\r\nHost: x\r\nX-Padding: " + strings.Repeat("x", 15<<10), ""},
	{"many headers", "POST /webhook HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("a:\r\n", 3500), ""},
	{"unfinished small bodies", post(16<<10) + strings.Repeat("x", 16<<10-1), ""},
	{"unfinished large bodies", post(1<<20) + strings.Repeat("x", 1<<20-1), ""},
	{"unfinished chunks", "POST /webhook HTTP/1.1\r\nHost: x\r\n" + signed("other") + "Transfer-Encoding: chunked\r\n\r\n100000\r\n" + strings.Repeat("x", 1<<20-1), ""},
	{"large forged bodies", post(1<<20) + strings.Repeat("x", 1<<20), ""},
	{"streams of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + strings.Repeat("\x00\x00\x00\x04\x00\x00\x00\x00\x00", 1000), "h2"},
}

func post(length int) string {
	return "POST /webhook HTTP/1.1\r\nHost: x\r\n" + signed("other") + fmt.Sprintf("Content-Length: %d\r\n\r\n", length)
}

// Whatever clients without a secret send, the memory stays small, and signed events get through.
func TestMemoryIsBoundedWhateverIsSent(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("takes half a minute, and the race detector takes memory itself")
	}
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots := x509.NewCertPool()
	roots.AddCert(writeCertificate(t, certFile, keyFile, "localhost"))
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			receiver := startChild(t, receiverRole, "", "127.0.0.1:0", certFile, keyFile)
			ctx, stop := context.WithTimeout(t.Context(), 4*time.Second)
			defer stop()
			cfg := &tls.Config{RootCAs: roots, ServerName: "localhost"}
			var attackers sync.WaitGroup
			for range 1200 {
				attackers.Go(func() {
					for ctx.Err() == nil {
						hold(ctx, receiver.answer, cfg, attack.protocol, attack.request)
					}
				})
			}
			time.Sleep(2 * time.Second)
			wantDelivery(t, receiver.answer, cfg)
			attackers.Wait()
			memory := peakMemory(t, receiver.Process.Pid)
			t.Logf("%d MiB", memory>>10)
			if memory > maxMemory {
				t.Errorf("the receiver took %d MiB, want at most %d", memory>>10, maxMemory>>10)
			}
		})
	}
}

// hold sends a request over a connection, and waits until the server closes that or ctx ends.
func hold(ctx context.Context, addr string, cfg *tls.Config, protocol, request string) {
	plain, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return
	}
	defer plain.Close()
	defer context.AfterFunc(ctx, func() { plain.Close() })()
	if protocol != "" {
		cfg = cfg.Clone()
		cfg.NextProtos = []string{protocol, "http/1.1"}
	}
	conn := tls.Client(plain, cfg)
	io.WriteString(conn, request) // fails if the server closes the connection
	io.Copy(io.Discard, conn)
}

// wantDelivery posts a signed event as a PBX does, with more tries, because all share the machine.
func wantDelivery(t *testing.T, addr string, cfg *tls.Config) {
	t.Helper()
	body := large("1", largeSize)
	var last string
	for range 10 {
		client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}}
		req, err := http.NewRequest(http.MethodPost, "https://"+addr+webhook.Path, strings.NewReader(body))
		fatal(t, err)
		req.Header.Set("X-Signature", sign(body))
		resp, err := client.Do(req)
		if err != nil {
			last = err.Error()
			continue
		}
		resp.Body.Close()
		if last = resp.Status; resp.StatusCode == http.StatusNoContent {
			return
		}
	}
	t.Errorf("a signed event does not get through: %s", last)
}

// peakMemory returns the most memory that a process has taken, in KiB.
func peakMemory(t *testing.T, pid int) (kib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("no /proc on this system")
	}
	_, peak, found := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(peak, &kib); !found || err != nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	return kib
}
