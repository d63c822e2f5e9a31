package email

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/handlers/internal/linklocal"
)

// DefaultTimeout is the Timeout of a Config that sets none.
const DefaultTimeout = 30 * time.Second

// Config is the configuration of a Handler. URL, From and To are required.
type Config struct {
	// URL is the server, such as smtps://user@mail.example.com:465 or
	// smtp://user@mail.example.com:587, without a password. A user may be an address:
	// smtps://calls@example.com@mail.example.com. Without a user there is no login.
	URL string
	// Password is the user's password.
	Password string
	// From is the sender, such as "Calls <calls@example.com>".
	From string
	// To are the recipients.
	To []string
	// Render makes the mail of an event. Its errors are those of the handler:
	// [events.Permanent] if no other try helps, [events.ErrNoHandler] if there is nothing
	// to send. Nil means CallSummary with the local time.
	Render func(context.Context, *events.Event) (Message, error)
	// RootCAs are the authorities that may have issued the server's certificate. Nil means
	// the system's.
	RootCAs *x509.CertPool
	// Timeout limits everything that is done for a mail. Zero means DefaultTimeout. The
	// context of HandleEvent may end earlier.
	Timeout time.Duration
}

func (cfg Config) withDefaults() Config {
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	if cfg.Render == nil {
		cfg.Render = CallSummary(time.Local)
	}
	return cfg
}

// Validate returns nil or an error that joins an *[events.FieldError] for each invalid
// field. Errors quote neither URL nor Password.
func (cfg Config) Validate() error {
	var faults []error
	fault := func(field string, err error) {
		if err != nil {
			faults = append(faults, &events.FieldError{Field: field, Err: err})
		}
	}
	target, err := parseURL(cfg.URL)
	fault("URL", err)
	switch {
	case err != nil:
	case target.user != "" && cfg.Password == "":
		fault("Password", errors.New("required, because URL has a user"))
	case target.user == "" && cfg.Password != "":
		fault("Password", errors.New("set, but URL has no user; write smtps://user@mail.example.com"))
	}
	_, err = parseAddress(cfg.From)
	fault("From", err)
	if len(cfg.To) == 0 {
		fault("To", errors.New("required; set at least one address, such as sales@example.com"))
	}
	for _, text := range cfg.To {
		_, err := parseAddress(text)
		fault("To", err)
	}
	if cfg.Timeout < 0 {
		fault("Timeout", fmt.Errorf("%s is negative", cfg.Timeout))
	}
	return errors.Join(faults...)
}

// A server is where mail is sent, and how the connection is encrypted.
type server struct {
	host, port string
	mode       tlsMode
}

type tlsMode int

const (
	implicitTLS tlsMode = iota
	startTLS
	noTLS // to loopback only
)

func (s server) address() string { return net.JoinHostPort(s.host, s.port) }

type target struct {
	server
	user string
}

// errURL does not quote the URL, which may contain a password.
var errURL = errors.New("not a URL such as smtps://user@mail.example.com:465 or smtp://user@mail.example.com:587")

func parseURL(text string) (target, error) {
	if text == "" {
		return target{}, errors.New("required; set the mail server, such as smtps://user@mail.example.com:465")
	}
	if strings.ContainsAny(text, " \t\r\n,") {
		return target{}, errors.New("has a space or a comma; set one URL")
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return target{}, errURL
	}
	if _, set := u.User.Password(); set {
		return target{}, errors.New("has a password in it, which is a setting of its own")
	}
	if err := linklocal.CheckHost(u.Hostname()); err != nil {
		return target{}, err
	}
	to := target{user: u.User.Username(), server: server{host: u.Hostname(), port: u.Port()}}
	switch u.Scheme {
	case "smtps":
		to.mode, to.port = implicitTLS, cmp.Or(to.port, "465")
	case "smtp":
		to.mode, to.port = startTLS, cmp.Or(to.port, "587")
	default:
		return target{}, errURL
	}
	if n, err := strconv.ParseUint(to.port, 10, 16); err != nil || n == 0 || hasControl(to.user) {
		return target{}, errURL
	}
	switch {
	case u.RawQuery == "":
	case u.RawQuery != "tls=off" || to.mode != startTLS:
		return target{}, errors.New("has an unknown parameter; there is only tls=off, for smtp to a loopback address")
	case !isLoopback(to.host):
		return target{}, errors.New("has tls=off, which is allowed only for localhost and loopback addresses: others would get password and mail in clear")
	default:
		to.mode = noTLS
	}
	return to, nil
}

// isLoopback reports whether a host names this machine. That localhost does, is checked again
// for the address that is connected to.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// parseAddress parses the address of a mailbox, with or without a name.
func parseAddress(text string) (*mail.Address, error) {
	if text == "" {
		return nil, errors.New("required; set an address, such as calls@example.com")
	}
	addr, err := mail.ParseAddress(text)
	if err != nil || hasControl(text) {
		return nil, fmt.Errorf("%q is not one address, such as calls@example.com or Calls <calls@example.com>", text)
	}
	for _, r := range addr.Address {
		if r <= ' ' || r > '~' || r == '<' || r == '>' {
			return nil, fmt.Errorf("%q has characters in the address that not every mail server accepts; write an international domain in ASCII, as xn--mller-kva.example", text)
		}
	}
	return addr, nil
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
