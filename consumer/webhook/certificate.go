package webhook

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// rereadInterval bounds how often handshakes make us read.
const rereadInterval = time.Second

// A Certificate is a TLS certificate with its key, kept in step with its files.
type Certificate struct {
	certFile, keyFile string
	notify            func(error)

	mu        sync.Mutex
	current   *tls.Certificate
	cert, key []byte // that it was made of
	readAt    time.Time
	err       error // why the files were of no use when they were last read
}

// LoadCertificate reads a certificate, with its intermediates, and its key from
// PEM files. Handshakes read them again, at most once a second, and compare
// their contents, so renamed and linked files work. While they are of no use,
// the certificate that was read last stays in use.
//
// notify, unless nil, is called when the certificate changed (nil) and when the
// files stopped being usable (the error), once for each change of state.
func LoadCertificate(certFile, keyFile string, notify func(error)) (*Certificate, error) {
	if notify == nil {
		notify = func(error) {}
	}
	c := &Certificate{certFile: certFile, keyFile: keyFile, notify: notify, readAt: time.Now()}
	if _, err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// Config returns a configuration for a server, with TLS 1.2 as the least.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.latest(), nil },
	}
}

// latest returns the certificate in use, after a look at the files.
func (c *Certificate) latest() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.readAt) < rereadInterval {
		return c.current
	}
	c.readAt = time.Now()
	changed, err := c.read()
	switch {
	case err != nil && (c.err == nil || c.err.Error() != err.Error()):
		c.notify(err)
	case err == nil && (changed || c.err != nil):
		c.notify(nil)
	}
	c.err = err
	return c.current
}

// read makes a certificate of the files if they are others than before.
func (c *Certificate) read() (changed bool, err error) {
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return false, err
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return false, err
	}
	if bytes.Equal(cert, c.cert) && bytes.Equal(key, c.key) {
		return false, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, fmt.Errorf("certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.current, c.cert, c.key = &pair, cert, key
	return true, nil
}
