package forward

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"wildix-worker/events/handlers/internal/linklocal"
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
	dialer := &net.Dialer{Timeout: dialTimeout, Control: linklocal.Control}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			OnProxyConnectResponse: checkProxy,
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

// checkProxy returns an error if a proxy refuses to connect to the endpoint.
func checkProxy(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{address: proxy.Host, status: resp.StatusCode}
}
