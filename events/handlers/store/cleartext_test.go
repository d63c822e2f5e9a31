package store

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

func TestPasswordIsNotSentInClearToAnotherHost(t *testing.T) {
	for _, c := range []struct {
		name, host, query string
		tls, sent         bool
	}{
		{"without TLS", "192.0.2.1", "sslmode=disable", false, false},
		{"TLS preferred, not offered", "192.0.2.1", "sslmode=prefer", false, false},
		{"other methods refused too", "192.0.2.1", "sslmode=disable&require_auth=!md5", false, false},
		{"asked for", "192.0.2.1", "sslmode=disable&require_auth=password", false, true},
		{"this machine", "127.0.0.1", "sslmode=disable", false, true},
		{"this machine by IPv6", "::1", "sslmode=disable", false, true},
		{"with TLS", "192.0.2.1", "sslmode=require", true, true},
		{"TLS preferred, offered", "192.0.2.1", "sslmode=prefer", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newClearTextServer(t, c.tls)
			cfg, err := postgresConfig("postgres://worker:hunter2@db.example.com/calls?" + c.query)
			if err != nil {
				t.Fatal(err)
			}
			cfg.LookupFunc = func(context.Context, string) ([]string, error) { return []string{c.host}, nil }
			cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.listener.Addr().String())
				return remoteConn{conn, net.ParseIP(c.host)}, err
			}
			_, err = pgx.ConnectConfig(t.Context(), cfg)
			err = new(postgresDialect).redacted(err) // the server refuses the password too
			s.close()
			if sent := len(s.passwords) > 0; sent != c.sent || sent && s.passwords[0] != "hunter2" {
				t.Errorf("the server has %q", s.passwords)
			}
			if refused := strings.HasPrefix(err.Error(), "the server asks for the password in clear text over a connection without TLS; "); refused == c.sent {
				t.Errorf("%v", err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error quotes the password: %v", err)
			}
		})
	}
}

// A remoteConn has another address than that of the test's server.
type remoteConn struct {
	net.Conn
	ip net.IP
}

func (c remoteConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: c.ip, Port: 5432} }

// A clearTextServer asks for passwords in clear text, and accepts none.
type clearTextServer struct {
	listener  net.Listener
	tls       *tls.Config // nil if it refuses TLS
	passwords []string    // those that it was sent, after close
	done      chan struct{}
}

func newClearTextServer(t *testing.T, offerTLS bool) *clearTextServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &clearTextServer{listener: l, done: make(chan struct{})}
	if offerTLS {
		web := httptest.NewTLSServer(nil) // for its certificate
		web.Close()
		s.tls = &tls.Config{Certificates: web.TLS.Certificates}
	}
	go func() {
		defer close(s.done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(s.close)
	return s
}

func (s *clearTextServer) close() {
	s.listener.Close()
	<-s.done
}

func (s *clearTextServer) serve(conn net.Conn) {
	conn.SetDeadline(time.Now().Add(time.Minute))
	backend := pgproto3.NewBackend(conn, conn)
	startup, err := backend.ReceiveStartupMessage()
	if _, ok := startup.(*pgproto3.SSLRequest); err == nil && ok {
		if s.tls == nil {
			conn.Write([]byte("N"))
		} else {
			conn.Write([]byte("S"))
			conn = tls.Server(conn, s.tls)
			backend = pgproto3.NewBackend(conn, conn)
		}
		startup, err = backend.ReceiveStartupMessage()
	}
	if _, ok := startup.(*pgproto3.StartupMessage); err != nil || !ok {
		return
	}
	backend.Send(&pgproto3.AuthenticationCleartextPassword{})
	if backend.Flush() != nil || backend.SetAuthType(pgproto3.AuthTypeCleartextPassword) != nil {
		return
	}
	answer, err := backend.Receive()
	if password, ok := answer.(*pgproto3.PasswordMessage); err == nil && ok {
		s.passwords = append(s.passwords, password.Password)
		backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: "wrong password"})
		backend.Flush()
	}
}
