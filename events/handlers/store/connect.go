package store

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/lib/pq"
)

const (
	// connectTimeout bounds the making of a connection.
	connectTimeout = 10 * time.Second
	// answerTimeout is longer than any statement of a transaction may take.
	answerTimeout = commitTimeout + 2*time.Second
)

// parsePostgres takes what libpq takes, with libpq's defaults.
func parsePostgres(raw string, purpose access) (*target, error) {
	cfg, err := pq.NewConfig(raw)
	if err != nil {
		return nil, errors.New("no URL of PostgreSQL that can be read; write postgres://USER@HOST/DATABASE, and % signs of a password as %25")
	}
	cfg.Host, cfg.Port = splitPort(cfg.Host, cfg.Port)
	for i := range cfg.Multi {
		m := &cfg.Multi[i]
		m.Host, m.Port = splitPort(m.Host, m.Port)
	}
	if cfg.ApplicationName == "" {
		cfg.ApplicationName = "wildix-worker"
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	if cfg.SSLMode == "" {
		cfg.SSLMode = pq.SSLModePrefer // where the driver's own is require
	}
	connector, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, err
	}
	t := &target{connector: connector, dialect: &postgresDialect{}, hangUp: func() {}}
	if purpose == toWrite {
		hungUp, hangUp := context.WithCancel(context.Background())
		connector.Dialer(dialer{answerTimeout, hungUp})
		t.hangUp = hangUp
	}
	return t, nil
}

// splitPort takes a port from a host of a list such as db1:5433,db2:5433, where the
// driver leaves it.
func splitPort(host string, port uint16) (string, uint16) {
	name, text, err := net.SplitHostPort(host)
	if err != nil {
		return host, port
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return host, port
	}
	return name, uint16(n)
}

// A dialer makes connections on which no answer is waited for without end. The
// driver asks a server to cancel a statement whose context has ended, and waits
// for the answer: from a server that hangs none would come. The driver also begins a
// transaction without regard to the context.
type dialer struct {
	patience time.Duration
	hungUp   context.Context // its end is that of all connections
}

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.hungUp, cancel)()
	var net net.Dialer
	conn, err := net.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	closed := context.AfterFunc(d.hungUp, func() { conn.Close() })
	return &impatientConn{Conn: conn, patience: d.patience, closed: closed}, nil
}

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// An impatientConn gives each read a deadline, unless the driver has set one.
type impatientConn struct {
	net.Conn
	patience time.Duration
	set      bool
	closed   func() bool // that it need not be hung up
}

func (c *impatientConn) Close() error {
	c.closed()
	return c.Conn.Close()
}

func (c *impatientConn) SetDeadline(t time.Time) error {
	c.set = !t.IsZero()
	return c.Conn.SetDeadline(t)
}

func (c *impatientConn) Read(b []byte) (int, error) {
	if !c.set {
		if err := c.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(b)
}
