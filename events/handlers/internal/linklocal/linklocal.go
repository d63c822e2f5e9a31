// Package linklocal refuses addresses at which a cloud hands out credentials.
package linklocal

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// ErrRefused means that a cloud hands out credentials at the address.
var ErrRefused = errors.New("link-local and metadata addresses are refused: a cloud hands out credentials there")

// Control is for a net.Dialer, which calls it before each connection with the resolved address.
func Control(_, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if refused(addr.Addr()) {
		return ErrRefused
	}
	return nil
}

// CheckHost returns an error if the host of a URL is an address that is refused.
func CheckHost(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil && refused(addr) {
		return fmt.Errorf("%s: %w", addr, ErrRefused)
	}
	return nil
}

// metadata are the addresses outside the link-local ranges at which clouds hand out
// credentials.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("fd00:ec2::/32"),          // AWS, of instances and pods
	netip.MustParsePrefix("fd20:ce::254/128"),       // Google
	netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), // Oracle
	netip.MustParsePrefix("fd00:42::42/128"),        // Scaleway
	netip.MustParsePrefix("100.100.100.200/32"),     // Alibaba
	netip.MustParsePrefix("168.63.129.16/32"),       // Azure
}

// embedding are the prefixes of IPv6 addresses that routers turn into the IPv4 address in
// them, each with the index of its first byte.
var embedding = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("::/96"), 12},          // RFC 4291, section 2.5.5.1
	{netip.MustParsePrefix("64:ff9b::/96"), 12},   // NAT64, RFC 6052
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12}, // NAT64 of one's own, RFC 8215, as far as it is a /96
	{netip.MustParsePrefix("2002::/16"), 2},       // 6to4, RFC 3056
}

// refused reports whether an address is refused, in each form in which it can be written.
func refused(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if addr.IsLinkLocalUnicast() || slices.ContainsFunc(metadata, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return true
	}
	for _, e := range embedding {
		if e.prefix.Contains(addr) {
			bytes := addr.As16()
			return refused(netip.AddrFrom4([4]byte(bytes[e.at : e.at+4])))
		}
	}
	return false
}
