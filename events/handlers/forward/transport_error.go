package forward

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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

// transportError returns the reason for the error of a request. Those that it passes on
// contain addresses and host names only.
func transportError(err error) error {
	var timeout net.Error
	var certificate *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	var alert tls.AlertError
	var network *net.OpError
	switch {
	case errors.Is(err, errForbidden):
		return errForbidden
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
