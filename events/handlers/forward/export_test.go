package forward

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
)

// DialWith makes the handler dial its endpoint in memory, as a synctest bubble needs it.
func (h *Handler) DialWith(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	h.client.Transport.(*http.Transport).DialContext = dial
}

// Trust makes the handler trust a certificate.
func (h *Handler) Trust(certificate *x509.Certificate) {
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	h.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
}
