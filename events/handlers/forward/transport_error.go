package forward

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"wildix-worker/events/handlers/internal/linklocal"
)

// The reasons why a request got no response. The errors of net/http contain the URL, and
// some of them bytes that the endpoint sent.
var (
	errCancelled = errors.New("cancelled")
	errTooSlow   = errors.New("no response in time")
	errClosed    = errors.New("connection closed before a response")
	errNoTLS     = errors.New("the endpoint does not speak TLS; does the URL have to begin with http://?")
	errTLS       = errors.New("TLS handshake failed")
	errNoHTTP    = errors.New("not an HTTP response")
)

// A proxyError says that a proxy refuses to connect to the endpoint.
type proxyError struct {
	address string
	status  int
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s answers %d to CONNECT", e.address, e.status)
}

// transportError returns the reason for the error of a request. Those that it passes on
// contain addresses and host names only.
func transportError(err error) error {
	var timeout net.Error
	var certificate *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	var alert tls.AlertError
	var network *net.OpError
	var proxy *proxyError
	switch {
	case errors.Is(err, linklocal.ErrRefused):
		return linklocal.ErrRefused
	case errors.As(err, &proxy):
		return proxy
	case errors.As(err, &timeout) && timeout.Timeout():
		return errTooSlow
	case errors.As(err, &certificate):
		return certificate
	case errors.As(err, &noTLS), errors.Is(err, http.ErrSchemeMismatch):
		return errNoTLS
	case errors.As(err, &alert):
		return fmt.Errorf("%w: %w", errTLS, alert)
	case errors.As(err, &network):
		return network
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errClosed
	default:
		return errNoHTTP
	}
}
