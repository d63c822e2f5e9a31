package linklocal

import (
	"errors"
	"net/netip"
	"testing"
)

func TestAddressesOfMetadataServicesAreRefused(t *testing.T) {
	for host, want := range map[string]bool{
		"169.254.169.254": true, "169.254.170.2": true, "fe80::1": true, "fe80::a9fe:a9fe": true, "fe80::1%eth0": true,
		"::ffff:169.254.169.254": true, "::169.254.169.254": true,
		"64:ff9b::169.254.169.254": true, "64:ff9b::a9fe:a9fe": true, "64:ff9b:1::a9fe:a9fe": true,
		"2002:a9fe:a9fe::": true, "2002:a9fe:a9fe:1::1": true, "2002:6464:64c8::1": true,
		"fd00:ec2::254": true, "fd00:ec2::23": true, "fd20:ce::254": true, "fd00:c1::a9fe:a9fe": true, "fd00:42::42": true,
		"100.100.100.200": true, "168.63.129.16": true,

		"192.0.2.1": false, "127.0.0.1": false, "::1": false, "::": false, "10.0.0.1": false, "fd00:1::1": false, "2001:db8::1": false,
		"64:ff9b::192.0.2.1": false, "2002:c000:201::1": false, "100.100.100.100": false,
	} {
		if err := CheckHost(host); errors.Is(err, ErrRefused) != want {
			t.Errorf("%s: %v", host, err)
		}
		address := netip.AddrPortFrom(netip.MustParseAddr(host), 80).String()
		if err := Control("tcp", address, nil); errors.Is(err, ErrRefused) != want {
			t.Errorf("connection to %s: %v", address, err)
		}
	}
}
