package forward

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// What became of a request that got no answer, in words of ours: net/http's
// errors have the URL in them, and at times the bytes that came instead of an
// answer.
var (
	errCalledOff = errors.New("called off")
	errTooSlow   = errors.New("no answer in time")
	errClosed    = errors.New("connection closed before an answer")
	errNoTLS     = errors.New("the endpoint does not speak TLS; should the URL begin with http://?")
	errTLS       = errors.New("TLS handshake failed")
	errNoHTTP    = errors.New("what came is no HTTP answer")
)

// transportError is why there was no answer. What it passes on has addresses and
// names of hosts in it and nothing else.
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
