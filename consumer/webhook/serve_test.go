package webhook_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
)

// serving starts a receiver on a real socket until the test ends, and returns
// its address.
func serving(t *testing.T, cfg webhook.Config) string {
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

func TestGetSaysWhatIsHere(t *testing.T) {
	within(t, direct(succeed), func(s *site) {
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

func TestDrainFinishesWhatHasBegunAndTakesNothingMore(t *testing.T) {
	within(t, direct(working(3*time.Second)), func(s *site) {
		s.want(s.send("0"), http.StatusNoContent) // leaves a connection that is idle
		begun := s.sendInBackground("1")
		time.Sleep(time.Second)
		s.stop()
		time.Sleep(time.Second)
		if a := s.send("2"); a.err == nil {
			t.Errorf("answer %d after the stop", a.status)
		}
		s.want(<-begun, http.StatusNoContent)
		fatal(t, <-s.done)
		s.done = nil
		s.wantOutcomes("handled handled")
		if lines := s.logs.FilterMessage("drained").All(); len(lines) != 1 || lines[0].ContextMap()["handled"] != int64(2) {
			t.Errorf("drained: %v", lines)
		}
	})
}

// A receiver in a server of one's own: its connections stay open.
func TestShutdownAnswersNotNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := receiver(t, working(time.Second))
		l := sqslocal.Pipe()
		srv := &http.Server{Handler: r}
		go srv.Serve(l)
		s := &site{t: t, client: &http.Client{Transport: &http.Transport{DialContext: l.DialContext}}}
		begun := s.sendInBackground("1")
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- r.Shutdown(t.Context()) }()
		synctest.Wait()
		s.want(s.send("2"), http.StatusServiceUnavailable)
		resp, err := s.client.Get("http://receiver/webhook")
		fatal(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || r.Ready() == nil {
			t.Errorf("GET: %d, ready: %v", resp.StatusCode, r.Ready())
		}
		s.want(<-begun, http.StatusNoContent)
		fatal(t, <-done)
		s.client.CloseIdleConnections()
		fatal(t, srv.Close())
	})
}

func TestStopWaitsForHandlersOnlySoLong(t *testing.T) {
	var cause error
	cfg := direct(func(ctx context.Context, _ *events.Event) error {
		<-ctx.Done()
		cause = context.Cause(ctx)
		return ctx.Err()
	})
	cfg.ShutdownTimeout = time.Second
	within(t, cfg, func(s *site) {
		begun := s.sendInBackground("1")
		synctest.Wait()
		stopped := time.Now()
		s.stop()
		s.want(<-begun, http.StatusServiceUnavailable)
		fatal(t, <-s.done)
		s.done = nil
		if took := time.Since(stopped); took > 2*time.Second || !errors.Is(cause, consumer.ErrStopping) {
			t.Errorf("stopped after %s, the handler's cause %v", took, cause)
		}
	})
}

func TestStopLeavesADeafHandlerBehind(t *testing.T) {
	cfg := direct(deaf(time.Minute))
	cfg.ShutdownTimeout = time.Second
	within(t, cfg, func(s *site) {
		begun := s.sendInBackground("1")
		synctest.Wait()
		stopped := time.Now()
		s.stop()
		err := <-s.done
		s.done = nil
		if err == nil || !strings.Contains(err.Error(), "1 handlers did not return") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(stopped); took > 4*time.Second {
			t.Errorf("stopped after %s", took)
		}
		<-begun
		time.Sleep(time.Minute)
	})
}

// However slow a client is, it is let go of.
func TestSlowClientsAreLetGoOf(t *testing.T) {
	for _, test := range []struct {
		name, sent string
		limit      time.Duration
		answer     string
	}{
		{"says nothing", "", 5 * time.Second, ""},
		{"half a header", "POST /webhook HTTP/1.1\r\nHost: x\r\nX-Sign", 5 * time.Second, ""},
		{"half a body", "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 5 * time.Second, "HTTP/1.1 408"},
		{"idle", "GET /webhook HTTP/1.1\r\nHost: x\r\n\r\n", 80 * time.Second, "HTTP/1.1 200"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := receiver(t, refusing(t))
				l := sqslocal.Pipe()
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- r.Serve(ctx, l) }()
				conn, err := l.DialContext(ctx, "", "")
				fatal(t, err)
				begun := time.Now()
				if test.sent != "" {
					_, err = conn.Write([]byte(test.sent))
					fatal(t, err)
				}
				answer := readUntilClosed(conn)
				if took := time.Since(begun); took > test.limit || !strings.HasPrefix(answer, test.answer) {
					t.Errorf("let go after %s with %q", took, answer)
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
	cfg := direct(succeed)
	cfg.MaxConnections = 2
	within(t, cfg, func(s *site) {
		s.client.CloseIdleConnections()
		transport := s.client.Transport.(*http.Transport)
		dial := transport.DialContext
		open := make([]net.Conn, 2)
		for i := range open {
			var err error
			open[i], err = dial(s.t.Context(), "", "")
			fatal(t, err)
		}
		waiting := s.sendInBackground("1")
		time.Sleep(time.Second)
		if outcomes := s.outcomes(); outcomes != "" {
			t.Errorf("a third connection was served: %s", outcomes)
		}
		open[0].Close()
		s.want(<-waiting, http.StatusNoContent)
		open[1].Close()
	})
}

func TestCertificateIsReadAgainWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, certFile, keyFile, "first.example.com")
	core, logs := observer.New(zap.InfoLevel)
	notify := func(err error) { zap.New(core).Info("told", zap.Error(err)) }
	synctest.Test(t, func(t *testing.T) {
		certificate, err := webhook.LoadCertificate(certFile, keyFile, notify)
		fatal(t, err)
		name := func() string {
			t.Helper()
			pair, err := certificate.Config().GetCertificate(nil)
			fatal(t, err)
			return pair.Leaf.Subject.CommonName
		}
		want := func(want string, told int) {
			t.Helper()
			for range 3 {
				time.Sleep(2 * time.Second)
				if got := name(); got != want {
					t.Errorf("the certificate is that of %s, want %s", got, want)
				}
			}
			if n := logs.Len(); n != told {
				t.Errorf("told %d times, want %d: %v", n, told, logs.All())
			}
		}
		want("first.example.com", 0)
		writeCertificate(t, certFile, keyFile, "second.example.com")
		want("second.example.com", 1)
		fatal(t, os.WriteFile(keyFile, []byte("nonsense"), 0o600))
		want("second.example.com", 2)
		fatal(t, os.Remove(keyFile))
		want("second.example.com", 3)
		writeCertificate(t, certFile, keyFile, "third.example.com")
		want("third.example.com", 4)
	})
	if _, err := webhook.LoadCertificate(certFile, certFile, nil); err == nil {
		t.Error("a certificate passed for its key")
	}
}

func TestServesHTTPSAndHTTP2(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots := x509.NewCertPool()
	roots.AddCert(writeCertificate(t, certFile, keyFile, "localhost"))
	certificate, err := webhook.LoadCertificate(certFile, keyFile, nil)
	fatal(t, err)
	cfg := direct(succeed)
	cfg.TLS = certificate.Config()
	addr := serving(t, cfg)
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}, ForceAttemptHTTP2: protocol == "HTTP/2.0"}
		req, err := http.NewRequest(http.MethodPost, "https://"+addr+webhook.Path, strings.NewReader(event("1")))
		fatal(t, err)
		req.Header.Set("x-signature", sign(event("1")))
		resp, err := (&http.Client{Transport: transport}).Do(req)
		fatal(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent || resp.Proto != protocol {
			t.Errorf("%s: answer %s by %s", protocol, resp.Status, resp.Proto)
		}
		transport.CloseIdleConnections()
	}
	_, err = tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, ServerName: "localhost", MaxVersion: tls.VersionTLS11})
	if err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

// writeCertificate makes a certificate that signs itself.
func writeCertificate(t *testing.T, certFile, keyFile, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(50, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	fatal(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	fatal(t, err)
	fatal(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	fatal(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	cert, err := x509.ParseCertificate(der)
	fatal(t, err)
	return cert
}

// Unfinished large bodies are what fills a memory.
func TestLargeBodiesAreLimited(t *testing.T) {
	const most = 64
	large := strings.TrimSuffix(event("1"), "}") + `,"padding":"` + strings.Repeat("x", 20<<10) + `"}`
	within(t, direct(succeed), func(s *site) {
		dial := s.client.Transport.(*http.Transport).DialContext
		unfinished := make([]net.Conn, most)
		for i := range unfinished {
			var err error
			unfinished[i], err = dial(s.t.Context(), "", "")
			fatal(t, err)
			request := raw(signed(large), large)
			_, err = io.WriteString(unfinished[i], request[:len(request)-1])
			fatal(t, err)
		}
		synctest.Wait()
		s.want(s.post(s.t.Context(), large, sign(large)), http.StatusServiceUnavailable)
		s.want(s.send("1"), http.StatusNoContent)
		_, err := io.WriteString(unfinished[0], "}")
		fatal(t, err)
		go io.Copy(io.Discard, unfinished[0])
		synctest.Wait()
		s.want(s.post(s.t.Context(), large, sign(large)), http.StatusNoContent)
		for _, conn := range unfinished {
			conn.Close()
		}
		s.wantOutcomes("handled handled handled")
	})
}

func TestDrainFinishesARequestThatIsStillComing(t *testing.T) {
	within(t, direct(working(time.Second)), func(s *site) {
		conn, err := s.client.Transport.(*http.Transport).DialContext(s.t.Context(), "", "")
		fatal(t, err)
		request := raw(signed(event("1")), event("1"))
		_, err = io.WriteString(conn, request[:len(request)-1])
		fatal(t, err)
		synctest.Wait()
		s.stop()
		time.Sleep(time.Second)
		go io.WriteString(conn, "}")
		if answer := readUntilClosed(conn); !strings.HasPrefix(answer, "HTTP/1.1 204") {
			t.Errorf("answer %q", answer)
		}
		conn.Close()
		s.wantOutcomes("handled")
	})
}

func TestServeClosesItsListenerWhateverHappens(t *testing.T) {
	r, err := webhook.New(webhook.Config{Keys: keyring(t), Handler: events.HandlerFunc(succeed), TLS: &tls.Config{}}) // without a certificate
	fatal(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	if r.Serve(t.Context(), l) == nil {
		t.Error("no error")
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("the listener is still there")
	}
}

// A body that is declared too large is refused before it comes, whatever the limit.
func TestTooLargeABodyIsRefusedAtOnce(t *testing.T) {
	cfg := direct(refusing(t))
	cfg.MaxBody = 4096
	within(t, cfg, func(s *site) {
		conn, err := s.client.Transport.(*http.Transport).DialContext(s.t.Context(), "", "")
		fatal(t, err)
		begun := time.Now()
		_, err = io.WriteString(conn, "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
		fatal(t, err)
		buf := make([]byte, 64)
		_, err = conn.Read(buf)
		fatal(t, err)
		if took := time.Since(begun); took > time.Second || !strings.HasPrefix(string(buf), "HTTP/1.1 413") {
			t.Errorf("%q after %s", buf, took)
		}
		conn.Close()
	})
}
