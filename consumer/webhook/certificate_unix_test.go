//go:build unix

package webhook_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer/webhook"
)

// Opening a pipe waits for its writer, and the handshakes would wait with it.
func TestCertificateIsNotReadFromPipe(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, certFile, keyFile, "localhost")
	synctest.Test(t, func(t *testing.T) {
		var notified []error
		certificate, err := webhook.LoadCertificate(certFile, keyFile, func(err error) { notified = append(notified, err) })
		fatal(t, err)
		fatal(t, os.Remove(certFile))
		fatal(t, syscall.Mkfifo(certFile, 0o600))
		for range 3 {
			time.Sleep(2 * time.Second)
			if pair, err := certificate.Config().GetCertificate(nil); err != nil || pair == nil {
				t.Errorf("certificate %v, error %v", pair, err)
			}
		}
		if len(notified) != 1 || !strings.HasSuffix(notified[0].Error(), "cert.pem is not a regular file") {
			t.Errorf("notified %v", notified)
		}
	})
	if _, err := webhook.LoadCertificate(certFile, keyFile, nil); err == nil {
		t.Error("a pipe was accepted at start")
	}
}
