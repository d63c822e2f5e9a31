// Package tunnel gives the webhook a public URL while somebody develops: requests to the URL
// arrive at a server of the tunnel's operator, and from there through connections that this
// machine has opened. The operator can read and change them, so it is not for production; a
// forged or changed event has no valid signature.
package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/internal/backoff"
)

const (
	// tokenVariable has the token of an ngrok account. The name is ngrok's own.
	tokenVariable = "NGROK_AUTHTOKEN"

	tunnelFlag = "--tunnel (WILDIX_TUNNEL)"
	serverFlag = "--tunnel-server (WILDIX_TUNNEL_SERVER)"
)

// Options say which tunnel is opened, if any.
type Options struct {
	Tunnel       string `placeholder:"KIND" env:"WILDIX_TUNNEL" help:"For development: get a public URL from localtunnel, localtunnel:SUBDOMAIN or ngrok, whose token is NGROK_AUTHTOKEN."`
	TunnelServer string `placeholder:"https://localtunnel.me" env:"WILDIX_TUNNEL_SERVER" help:"Server of localtunnel."`
}

// subdomains are those that a server of localtunnel accepts.
var subdomains = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{2,61})[a-z0-9]$`)

// Check adds what is wrong with the settings. encrypted says that the webhook has a
// certificate of its own.
func (s *Options) Check(encrypted bool, faults *config.Faults) {
	kind, subdomain, hasSubdomain := strings.Cut(s.Tunnel, ":")
	switch {
	case s.Tunnel == "":
		if s.TunnelServer != "" {
			faults.Add(serverFlag, errors.New("needs --tunnel localtunnel"))
		}
		return
	case kind != "localtunnel" && s.Tunnel != "ngrok":
		faults.Add(tunnelFlag, fmt.Errorf("unknown tunnel %q (have localtunnel, localtunnel:SUBDOMAIN, ngrok)", s.Tunnel))
	case hasSubdomain && !subdomains.MatchString(subdomain):
		faults.Add(tunnelFlag, fmt.Errorf("%q is not a subdomain: 4 to 63 small letters, digits and hyphens", subdomain))
	case s.Tunnel == "ngrok" && os.Getenv(tokenVariable) == "":
		faults.Add(tunnelFlag, errors.New("set NGROK_AUTHTOKEN to the token of your ngrok account"))
	case s.Tunnel == "ngrok" && s.TunnelServer != "":
		faults.Add(serverFlag, errors.New("is for localtunnel only"))
	case encrypted:
		faults.Add(tunnelFlag, errors.New("does not go with --tls-cert: the tunnel's server has the certificate"))
	}
	if u, err := url.Parse(s.TunnelServer); err != nil || s.TunnelServer != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		faults.Add(serverFlag, fmt.Errorf("%q is not a URL such as https://localtunnel.me", s.TunnelServer))
	}
}

// A Tunnel forwards requests to a public URL to an address of this machine.
type Tunnel struct {
	state
	open func(ctx context.Context, s *state) error // returns when the tunnel is lost
}

// New returns the tunnel of settings that Check has accepted, or nil if there is none. It
// forwards to the address that the webhook listens on.
func (s *Options) New(webhook net.Addr, path string, log *zap.Logger) *Tunnel {
	to := reachable(webhook)
	kind, subdomain, _ := strings.Cut(s.Tunnel, ":")
	t := &Tunnel{state: newState(path, log)}
	switch kind {
	case "localtunnel":
		t.open = (&localtunnel{server: s.TunnelServer, id: subdomain, to: to}).open
	case "ngrok":
		t.open = (&ngrokTunnel{token: os.Getenv(tokenVariable), to: to}).open
	default:
		return nil
	}
	return t
}

// Run keeps the tunnel open until ctx ends. It returns an error if the tunnel can never be
// opened, such as for a wrong token.
func (t *Tunnel) Run(ctx context.Context) error {
	for {
		err := t.open(ctx, &t.state)
		if _, never := errors.AsType[*exit.UsageError](err); never {
			return err
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of ctx is no error
		}
		failures := t.lost(err)
		select {
		case <-time.After(reopen.EqualJitter(failures)):
		case <-ctx.Done():
		}
	}
}

// reopen is the pause between attempts to open a tunnel.
var reopen = backoff.Exponential{Min: time.Second, Max: 30 * time.Second}

// reachable returns an address of this machine to reach a listener at.
func reachable(listener net.Addr) string {
	host, port, err := net.SplitHostPort(listener.String())
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
