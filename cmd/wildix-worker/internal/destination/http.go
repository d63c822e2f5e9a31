package destination

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/preview"
	"wildix-worker/events/handlers/forward"
)

// HTTP returns the destination of a forward handler that was made with a configuration.
func HTTP(h *forward.Handler, cfg forward.Config) Destination {
	return Destination{
		Handler:     h,
		ReadsCall:   readsCall(cfg.Template),
		SignedByPBX: cfg.Template == nil && cfg.Secret == "",
		Preview:     preview.HTTP(h, cfg),
		Responses:   h.Responses,
		Target:      Host(cfg.URL),
		Caution:     cautionOf(cfg.URL),
		Check:       h.Check,
		Close: func() error {
			h.Close()
			return nil
		},
	}
}

// cautionOf returns a warning of a URL without TLS to a host that is not known to be in this
// network. Names and numbers of callers would go over the internet in the clear.
func cautionOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || isPrivate(u.Hostname()) {
		return ""
	}
	return "events go to " + u.Hostname() + " without encryption; use https, unless that host is in your own network"
}

// privateSuffixes are of names that are not in the public DNS.
var privateSuffixes = []string{".localhost", ".local", ".internal", ".lan", ".home.arpa", ".svc", ".test"}

// sharedAddresses are those of carriers and of private overlay networks (RFC 6598).
var sharedAddresses = netip.MustParsePrefix("100.64.0.0/10")

// isPrivate reports whether a host is in this machine or network, by its address or name. A
// name without a dot is.
func isPrivate(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip := net.ParseIP(host); ip != nil {
		addr, _ := netip.AddrFromSlice(ip)
		addr = addr.Unmap()
		return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || sharedAddresses.Contains(addr)
	}
	return !strings.Contains(host, ".") || slices.ContainsFunc(privateSuffixes, func(suffix string) bool { return strings.HasSuffix(host, suffix) })
}
