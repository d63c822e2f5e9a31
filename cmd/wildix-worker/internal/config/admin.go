package config

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// Admin are the settings of the admin address.
type Admin struct {
	AdminAddr       AdminAddr `placeholder:"127.0.0.1:9464" env:"WILDIX_ADMIN_ADDR" help:"Address to serve the console, /metrics, /healthz and /readyz on; empty to serve none. On an address that is not loopback, the first two require the bearer token WILDIX_ADMIN_TOKEN."`
	ConsoleUnmasked bool      `env:"WILDIX_CONSOLE_UNMASKED" help:"Show names, phone numbers and emails unmasked in the console."`
}

// minTokenLength is the least length of the token on an address that is not loopback.
const minTokenLength = 16

const (
	defaultAdminAddr  = "127.0.0.1:9464"
	adminAddrVariable = "WILDIX_ADMIN_ADDR"
	adminAddrSetting  = "--admin-addr (WILDIX_ADMIN_ADDR)"
)

// An AdminAddr is an address to listen on. The zero value is the default address. Set to the
// empty string, it is no address.
type AdminAddr struct {
	addr   string
	chosen bool
}

// UnmarshalText never fails.
func (a *AdminAddr) UnmarshalText(text []byte) error {
	*a = AdminAddr{string(text), true}
	return nil
}

// Addr returns the address, or an empty string for none.
func (a AdminAddr) Addr() string {
	if !a.chosen {
		return defaultAdminAddr
	}
	return a.addr
}

// Chosen reports whether the address was set, so that it is not the default.
func (a AdminAddr) Chosen() bool { return a.chosen }

// CheckAdmin adds what is wrong with the settings.
func (s *Admin) CheckAdmin(file *File, faults *Faults) {
	if !s.AdminAddr.chosen || s.AdminAddr.addr == "" {
		return
	}
	host, err := SplitAddr(s.AdminAddr.addr)
	token := file.Secret(AdminTokenVariable)
	if strings.TrimSpace(token) != token {
		faults.Add(AdminTokenVariable, ErrSpaceAround)
	}
	switch {
	case err != nil:
		faults.Add(adminAddrSetting, err)
	case !IsLoopback(host) && token != "" && len(token) < minTokenLength:
		faults.Add(AdminTokenVariable, fmt.Errorf("%d characters can be guessed, an address that is not loopback needs at least %d: make a token with openssl rand -hex 16", len(token), minTokenLength))
	case !IsLoopback(host) && token == "":
		faults.Add(adminAddrSetting, fmt.Errorf("%s is not a loopback address: set %s, the bearer token to require there", s.AdminAddr.addr, AdminTokenVariable))
	}
}

// URL returns the base URL of the address for a client on this machine.
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

// SplitAddr returns the host of an address to listen on, or an error if the address is
// wrong.
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

// IsLoopback reports whether the host is localhost or a loopback address.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
