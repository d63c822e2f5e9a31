package email

import (
	"context"
	"crypto/tls"
	"net"
	"net/mail"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"wildix-worker/events/handlers/internal/linklocal"
)

// quitTimeout is how long a server may take to say goodbye. The mail is sent by then.
const quitTimeout = time.Second

// An account is a server, and the user that logs in there, if there is one.
type account struct {
	server   server
	user     string
	password string
	tls      *tls.Config
}

// A session is a connection to a server that accepts mail from us.
type session struct {
	client *smtp.Client
	conn   net.Conn
	stop   func() bool // releases the context
}

// connect connects and logs in. The session ends with ctx.
func (a *account) connect(ctx context.Context) (*session, error) {
	s, err := a.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.start(s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// dial returns a session that has the server's greeting.
func (a *account) dial(ctx context.Context) (*session, error) {
	dialer := &net.Dialer{Control: linklocal.Control}
	if a.server.mode == noTLS {
		dialer.Control = refuseOthers
	}
	raw, err := dialer.DialContext(ctx, "tcp", a.server.address())
	if err != nil {
		return nil, failed(connectStep, err)
	}
	s := &session{conn: raw, stop: context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })}
	var conn net.Conn = &limitedConn{Conn: raw, left: maxReplies}
	if a.server.mode == implicitTLS {
		encrypted := tls.Client(conn, a.tls)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			s.close()
			return nil, failed(tlsStep, err)
		}
		conn = encrypted
	}
	if s.client, err = smtp.NewClient(conn, a.server.host); err != nil {
		s.close()
		return nil, failed(greetingStep, err)
	}
	return s, nil
}

// start introduces us, encrypts the connection if it is not, and logs in.
func (a *account) start(s *session) error {
	s.client.SkipSMTPUTF8(true) // all addresses are ASCII
	if err := s.client.Hello(hostname()); err != nil {
		return failed(greetingStep, err)
	}
	if a.server.mode == startTLS {
		if offered, _ := s.client.Extension("STARTTLS"); !offered {
			return failed(tlsStep, errNoSTARTTLS)
		}
		if err := s.client.StartTLS(a.tls); err != nil {
			return failed(tlsStep, err)
		}
	}
	if a.user == "" {
		return nil
	}
	auth, err := a.auth(s.client)
	if err != nil {
		return failed(loginStep, err)
	}
	if err := s.client.Auth(auth); err != nil {
		return failed(loginStep, err)
	}
	return nil
}

// auth returns the first way to log in that the server offers. All are safe within TLS, and
// PLAIN and LOGIN are those that servers get right.
func (a *account) auth(client *smtp.Client) (smtp.Auth, error) {
	_, offered := client.Extension("AUTH")
	inClear := a.server.mode == noTLS
	for _, way := range []struct {
		name string
		auth func() smtp.Auth
	}{
		{"PLAIN", func() smtp.Auth { return smtp.PlainAuth("", a.user, a.password, a.server.host, inClear) }},
		{"LOGIN", func() smtp.Auth { return smtp.LoginAuth(a.user, a.password, a.server.host, inClear) }},
		{"SCRAM-SHA-256", func() smtp.Auth { return smtp.ScramSHA256Auth(a.user, a.password) }},
		{"CRAM-MD5", func() smtp.Auth { return smtp.CRAMMD5Auth(a.user, a.password) }},
	} {
		for each := range strings.FieldsSeq(offered) {
			if strings.EqualFold(each, way.name) {
				return way.auth(), nil
			}
		}
	}
	return nil, errNoLogin
}

// envelope names the sender and the recipients.
func (s *session) envelope(from *mail.Address, to []*mail.Address) error {
	if err := s.client.Mail("<" + from.Address + ">"); err != nil {
		return failed(senderStep, err)
	}
	for _, each := range to {
		if err := s.client.Rcpt("<" + each.Address + ">"); err != nil {
			return failed(recipientStep, err).of(each.Address)
		}
	}
	return nil
}

// content sends the mail itself. If it fails in the middle, the mail has no end, and the
// server drops it.
func (s *session) content(content []byte) error {
	w, err := s.client.Data()
	if err != nil {
		return failed(contentStep, err)
	}
	if _, err := w.Write(content); err != nil {
		s.client = nil // QUIT would end the mail first
		return failed(contentStep, err)
	}
	if err := w.Close(); err != nil {
		return failed(contentStep, err)
	}
	return nil
}

// close ends the session. A server that takes long is not waited for.
func (s *session) close() {
	if s.stop() && s.client != nil {
		_ = s.conn.SetDeadline(time.Now().Add(quitTimeout))
		_ = s.client.Quit()
	}
	s.conn.Close()
}

// refuseOthers is called before a connection without TLS, with the resolved address.
func refuseOthers(_, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil || !addr.Addr().Unmap().IsLoopback() {
		return errNotLoopback
	}
	return nil
}

// hostname returns how we introduce ourselves. Some servers refuse a name that is none.
func hostname() string {
	name, err := os.Hostname()
	if err != nil || name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return "localhost"
	}
	return name
}

// A limitedConn is a connection from which a limited number of bytes can be read.
type limitedConn struct {
	net.Conn
	left int
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
