package store

import (
	"context"
	"crypto/tls"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// refuseClearText keeps the password from a server that asks for it in clear text over a
// connection that others can read: one without TLS to another host. It can't be told before
// the connection is made, since with sslmode=prefer the server decides whether there is TLS. A
// require_auth that names the method password in the URL permits it.
func refuseClearText(cfg *pgx.ConnConfig) {
	methods := cfg.RequireAuth
	cfg.AfterNetConnect = func(_ context.Context, cfg *pgconn.Config, conn net.Conn) (net.Conn, error) {
		cfg.RequireAuth = methods // cfg is the same for the next host, or without TLS
		if !isPrivate(conn) {
			cfg.RequireAuth = withoutPassword(methods)
		}
		return conn, nil
	}
}

// isPrivate reports whether only the two ends can read a connection.
func isPrivate(conn net.Conn) bool {
	if _, ok := conn.(*tls.Conn); ok {
		return true
	}
	switch addr := conn.RemoteAddr().(type) {
	case *net.UnixAddr:
		return true
	case *net.TCPAddr:
		return addr.IP.IsLoopback()
	default:
		return false
	}
}

// withoutPassword adds to the methods of require_auth that password is none of them, unless
// they say so, or that it is one.
func withoutPassword(methods string) string {
	switch {
	case methods == "":
		return "!password"
	case strings.HasPrefix(methods, "!") && !strings.Contains(methods, "password"):
		return methods + ",!password"
	default:
		return methods
	}
}

// clearTextRefused reports whether an error comes from refuseClearText.
func clearTextRefused(err error) bool {
	return strings.Contains(err.Error(), `!password" failed: server requested password authentication`)
}

const clearTextAdvice = "the server asks for the password in clear text over a connection without TLS; switch TLS on at the server and add sslmode=verify-full to the URL, or have the server ask for scram-sha-256"
