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
	// dialTimeout is short, so that a host which is gone is soon asked again.
	dialTimeout = 3 * time.Second
	// idleConnections is more than the events that most workers handle at once:
	// beyond it each request costs a connection.
	idleConnections = 256
	// idleTime is shorter than most servers keep a connection.
	idleTime = 45 * time.Second
	// pingTime is how long an HTTP/2 connection is silent before it is asked
	// whether it still works, and how long it has to answer.
	pingTime = 5 * time.Second
	// maxAnswerHeader bounds the memory that an answer takes.
	maxAnswerHeader = 64 << 10
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
			MaxResponseHeaderBytes: maxAnswerHeader,
			DisableCompression:     true, // the answer is not read
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errForbidden: the address is one where a cloud hands out credentials.
var errForbidden = errors.New("link-local addresses are not sent to, since the cloud's metadata service is there")

// refuseForbidden is asked before each connection, with the address that the
// name has been resolved to.
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

// awsServices are AWS's own addresses in every VPC: fd00:ec2::254 hands out an
// instance's credentials, fd00:ec2::23 those of a pod.
var awsServices = netip.MustParsePrefix("fd00:ec2::/32")

// isForbidden is also about what an IPv4-mapped address stands for.
func isForbidden(addr netip.Addr) bool {
	return addr.IsLinkLocalUnicast() || awsServices.Contains(addr.WithZone(""))
}
