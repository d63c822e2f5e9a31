package webhook_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/consumer/webhook"
)

func TestCertificateFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, certFile, keyFile, "first.example.com")
	core, logs := observer.New(zap.InfoLevel)
	notify := func(err error) { zap.New(core).Info("notified", zap.Error(err)) }
	synctest.Test(t, func(t *testing.T) {
		certificate, err := webhook.LoadCertificate(certFile, keyFile, notify)
		fatal(t, err)
		name := func() string {
			t.Helper()
			pair, err := certificate.Config().GetCertificate(nil)
			fatal(t, err)
			return pair.Leaf.Subject.CommonName
		}
		want := func(want string, notified int) {
			t.Helper()
			for range 3 {
				time.Sleep(2 * time.Second)
				if got := name(); got != want {
					t.Errorf("certificate of %s, want %s", got, want)
				}
			}
			if n := logs.Len(); n != notified {
				t.Errorf("notified %d times, want %d: %v", n, notified, logs.All())
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
		t.Error("a certificate was accepted as its own key")
	}
}

// Hundreds of requests on one connection of HTTP/2 took hundreds of megabytes.
func TestServesHTTPSWithoutHTTP2(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots := x509.NewCertPool()
	roots.AddCert(writeCertificate(t, certFile, keyFile, "localhost"))
	certificate, err := webhook.LoadCertificate(certFile, keyFile, nil)
	fatal(t, err)
	cfg := configFor(succeed)
	cfg.TLS = certificate.Config()
	addr := serve(t, cfg)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodPost, "https://"+addr+webhook.Path, strings.NewReader(event("1")))
	fatal(t, err)
	req.Header.Set("x-signature", sign(event("1")))
	resp, err := (&http.Client{Transport: transport}).Do(req)
	fatal(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent || resp.Proto != "HTTP/1.1" {
		t.Errorf("answer %s over %s", resp.Status, resp.Proto)
	}
	_, err = tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, ServerName: "localhost", MaxVersion: tls.VersionTLS11})
	if err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

// writeCertificate writes a self-signed certificate and its key.
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
