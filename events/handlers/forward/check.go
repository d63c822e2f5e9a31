package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"golang.org/x/net/idna"
)

// Check returns an error if the endpoint can't be reached, and says what to do about it. It
// connects, with a TLS handshake if the URL has the scheme https, and sends no request. So it
// does not find out whether the endpoint accepts events. Behind a proxy, an endpoint with the
// scheme http is not connected to, only the proxy is.
func (h *Handler) Check(ctx context.Context) error {
	if err := h.check(ctx); err != nil {
		return fmt.Errorf("forward to %s: %w", h.url.Host, err)
	}
	return nil
}

func (h *Handler) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	host, err := idna.Lookup.ToASCII(h.url.Hostname())
	if err != nil { // an address, or a name with an underscore
		host = h.url.Hostname()
	}
	transport := h.client.Transport.(*http.Transport).Clone()
	// What chooses a proxy gets a request without the port, which NO_PROXY may name.
	transport.Proxy = func(*http.Request) (*url.URL, error) {
		return http.ProxyFromEnvironment(&http.Request{URL: h.url})
	}
	conn, err := transport.NewClientConn(ctx, h.url.Scheme, net.JoinHostPort(host, h.url.Port()))
	if err != nil {
		return fmt.Errorf("%w%s", transportError(err), remedy(err))
	}
	return conn.Close()
}

// remedy returns what to do about the error of a connection, for the end of a sentence.
func remedy(err error) string {
	var timeout net.Error
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	var proxy *proxyError
	switch {
	case errors.As(err, &proxy):
		return "; let the proxy allow the host of the URL, or add that to NO_PROXY"
	case errors.As(err, &certificate):
		return "; the host of the URL must be a name in the certificate, and its issuer an authority that this machine trusts"
	case errors.As(err, &name) && name.IsNotFound:
		return "; correct the host of the URL"
	case errors.As(err, &name):
		return "; check the DNS servers of this machine"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "; nothing accepts connections there: check the port of the URL, and whether the service runs"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "; check the host and the port of the URL, and whether a firewall lets this machine connect"
	default:
		return ""
	}
}
