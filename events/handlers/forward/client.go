package forward

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	// dialTimeout is short, so that a host that is down is soon tried again.
	dialTimeout = 3 * time.Second
	// idleConnections is more than most workers' concurrency. Beyond it, each request
	// needs a new connection.
	idleConnections = 256
	// idleTime is shorter than the idle timeout of most servers.
	idleTime = 45 * time.Second
	// pingTime is how long an HTTP/2 connection may be silent before it is checked with
	// a ping, and how long the answer may take.
	pingTime = 5 * time.Second
	// maxResponseHeader limits the memory that a response takes.
	maxResponseHeader = 64 << 10
)

func newClient() *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: refuseForbidden}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    dialTimeout,
			ForceAttemptHTTP2:      true,
			HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingTime, PingTimeout: pingTime},
			MaxIdleConns:           idleConnections,
			MaxIdleConnsPerHost:    idleConnections,
			IdleConnTimeout:        idleTime,
			MaxResponseHeaderBytes: maxResponseHeader,
			DisableCompression:     true, // the body is discarded
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errForbidden means that a cloud hands out credentials at the address.
var errForbidden = errors.New("link-local addresses are refused: a cloud's metadata service is there")

// refuseForbidden is called before each connection with the resolved address.
func refuseForbidden(_, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if isForbidden(addr.Addr()) {
		return errForbidden
	}
	return nil
}

// awsServices are AWS's own addresses in every VPC: fd00:ec2::254 hands out the
// credentials of an instance, fd00:ec2::23 those of a pod.
var awsServices = netip.MustParsePrefix("fd00:ec2::/32")

// isForbidden reports whether an address is refused, also in its IPv4-mapped form.
func isForbidden(addr netip.Addr) bool {
	return addr.IsLinkLocalUnicast() || awsServices.Contains(addr.WithZone(""))
}
