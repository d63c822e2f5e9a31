package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// connectTimeout limits how long it takes to make a connection, unless the URL says
// otherwise.
const connectTimeout = 10 * time.Second

func parsePostgres(raw string) (*target, error) {
	cfg, err := postgresConfig(raw)
	if err != nil {
		return nil, err
	}
	closed, hangUp := context.WithCancel(context.Background())
	cfg.DialFunc = dialer{closed}.dial
	address := net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))) + "/" + cfg.Database
	return &target{connector: stdlib.GetConnector(*cfg), dialect: &postgresDialect{}, address: address, hangUp: hangUp}, nil
}

// postgresConfig accepts what libpq accepts, with pgx's defaults: sslmode, for
// example, is prefer. Its errors do not quote the URL.
func postgresConfig(raw string) (*pgx.ConnConfig, error) {
	if _, err := url.Parse(raw); err != nil {
		return nil, errors.New("not a valid PostgreSQL URL; write postgres://USER@HOST/DATABASE, and % characters of a password as %25")
	}
	cfg, err := pgx.ParseConfig(raw)
	if err != nil {
		reason := err.Error() // cannot parse `URL`: reason
		if i := strings.LastIndex(reason, "`: "); i >= 0 {
			reason = reason[i+len("`: "):]
		}
		return nil, fmt.Errorf("PostgreSQL URL: %s", reason)
	}
	// libpq's parameter, which pgx would send to the server.
	fallback := cfg.RuntimeParams["fallback_application_name"]
	delete(cfg.RuntimeParams, "fallback_application_name")
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = cmp.Or(fallback, "wildix-worker")
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	refuseClearText(cfg)
	return cfg, nil
}

// A dialer makes connections that end when its context does. The driver closes a
// connection whose statement was cancelled in the background, and gives a server
// that hangs 15 s to react, which would outlive the Store.
type dialer struct{ closed context.Context }

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.closed, cancel)() //nolint:contextcheck // ends the dial as ctx does
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(d.closed, func() { conn.Close() }) //nolint:contextcheck // a connection outlives the dial
	return &closingConn{conn, stop}, nil
}

// A closingConn is closed when its dialer's context ends.
type closingConn struct {
	net.Conn
	forget func() bool // ends the wait for the context
}

// Close closes the connection.
func (c *closingConn) Close() error {
	c.forget()
	return c.Conn.Close()
}
