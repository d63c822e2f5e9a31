package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// Admin are the settings of the admin address.
type Admin struct {
	AdminAddr       AdminAddr `placeholder:"127.0.0.1:9464" env:"WILDIX_ADMIN_ADDR" help:"Where to serve the console, /metrics, /healthz and /readyz; empty for nowhere. On an address that is not loopback, the first two require the bearer token WILDIX_ADMIN_TOKEN."`
	ConsoleUnmasked bool      `env:"WILDIX_CONSOLE_UNMASKED" help:"Show names, phone numbers and emails unmasked in the console."`
}

const (
	defaultAdminAddr  = "127.0.0.1:9464"
	adminAddrVariable = "WILDIX_ADMIN_ADDR"
	adminAddrSetting  = "--admin-addr (WILDIX_ADMIN_ADDR)"
	// AdminTokenVariable has no flag, as a secret has none.
	AdminTokenVariable = "WILDIX_ADMIN_TOKEN"
)

// An AdminAddr is an address to listen on. The zero value is the default address; one
// that is set to the empty string is none.
type AdminAddr struct {
	addr   string
	chosen bool
}

// UnmarshalText never fails.
func (a *AdminAddr) UnmarshalText(text []byte) error {
	*a = AdminAddr{string(text), true}
	return nil
}

// Addr returns the address, empty for none.
func (a AdminAddr) Addr() string {
	if !a.chosen {
		return defaultAdminAddr
	}
	return a.addr
}

// Chosen reports whether the address was set, rather than left to the default.
func (a AdminAddr) Chosen() bool { return a.chosen }

// CheckAdmin adds what is wrong with the settings.
func (s *Admin) CheckAdmin(faults *Faults) {
	if !s.AdminAddr.chosen || s.AdminAddr.addr == "" {
		return
	}
	host, err := SplitAddr(s.AdminAddr.addr)
	token := os.Getenv(AdminTokenVariable)
	if strings.TrimSpace(token) != token {
		faults.Add(AdminTokenVariable, ErrSpaceAround)
	}
	switch {
	case err != nil:
		faults.Add(adminAddrSetting, err)
	case !IsLoopback(host) && token == "":
		faults.Add(adminAddrSetting, fmt.Errorf("%s is not a loopback address: set %s, the bearer token to require there", s.AdminAddr.addr, AdminTokenVariable))
	}
}

// URL returns the base URL of the address, seen from this machine.
func (a AdminAddr) URL() (string, error) {
	addr := a.Addr()
	if addr == "" {
		return "", errors.New(adminAddrSetting + " is empty: the worker has no admin address")
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("%s: %q is not HOST:PORT or :PORT", adminAddrSetting, addr)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// SplitAddr returns the host of an address to listen on.
func SplitAddr(addr string) (host string, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return "", fmt.Errorf("%q is not HOST:PORT or :PORT", addr)
	}
	return host, nil
}

// IsLoopback reports whether the host is this machine, by its name or address.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
