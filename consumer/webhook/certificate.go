package webhook

import (
	"crypto/tls"
	"fmt"
	"time"

	"wildix-worker/internal/reread"
)

// rereadInterval is the least time between two reads of the files of a certificate.
const rereadInterval = time.Second

// A Certificate is a TLS certificate and its key, which follow changes of their
// files.
type Certificate struct {
	pair *reread.Value[*tls.Certificate]
}

// LoadCertificate reads a certificate, with its intermediates, and its key from
// PEM files. TLS handshakes read the files again, at most once per second, and
// compare their contents, so renamed and linked files work. While the files can't
// be used, the last good certificate stays in use.
//
// notify, unless nil, is called with nil when the certificate has changed or the
// files can be used again, and with the error when they can't be used any more:
// once per change of state.
func LoadCertificate(certFile, keyFile string, notify func(error)) (*Certificate, error) {
	pair, err := reread.Load(reread.Config[*tls.Certificate]{Paths: []string{certFile, keyFile}, Notify: notify, Parse: func(contents []string) (*tls.Certificate, error) {
		pair, err := tls.X509KeyPair([]byte(contents[0]), []byte(contents[1]))
		if err != nil {
			return nil, fmt.Errorf("certificate %s with key %s: %w", certFile, keyFile, err)
		}
		return &pair, nil
	}})
	if err != nil {
		return nil, err
	}
	return &Certificate{pair}, nil
}

// Config returns the TLS configuration of a server that uses the certificate. Its
// minimum version is TLS 1.2.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, _ := c.pair.Get(rereadInterval) // notify has the error
			return pair, nil
		},
	}
}
