package connlimit

import (
	"container/list"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// A conn is a connection of a Listener.
type conn struct {
	net.Conn
	listener  *Listener
	network   netip.Prefix // of the client
	accepted  time.Time
	element   *list.Element // of the listener's untrusted connections; nil if it is trusted
	trusted   atomic.Bool
	idleSince atomic.Int64 // in Unix nanoseconds; 0 while it is not idle
}

// Close closes the connection, which makes room for another one.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.listener.remove(c)
	c.listener.room.Broadcast()
	return err
}

// CloseWrite lets the server tell the client that it sends no more. So the client reads the
// answer before the connection is reset.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// unwrap returns the conn that the server has, perhaps below TLS, or nil.
func unwrap(server net.Conn) *conn {
	if tls, ok := server.(interface{ NetConn() net.Conn }); ok {
		server = tls.NetConn()
	}
	c, _ := server.(*conn)
	return c
}

// untrusted are the untrusted connections, the oldest first. The zero value can't be used.
type untrusted struct {
	conns    *list.List
	networks map[netip.Prefix]int // number of connections from each
}

func newUntrusted() untrusted { return untrusted{list.New(), make(map[netip.Prefix]int)} }

func (u untrusted) len() int { return u.conns.Len() }

func (u untrusted) add(c *conn) {
	c.element = u.conns.PushBack(c)
	u.networks[c.network]++
}

// remove removes a connection, unless that has been done.
func (u untrusted) remove(c *conn) {
	if c.element == nil {
		return
	}
	u.conns.Remove(c.element)
	c.element = nil
	if u.networks[c.network]--; u.networks[c.network] == 0 {
		delete(u.networks, c.network)
	}
}

// victim returns the oldest connection from the network that has most, so that one client
// displaces its own connections. There is at least one.
func (u untrusted) victim() *conn {
	most := 0
	for _, n := range u.networks {
		most = max(most, n)
	}
	element := u.conns.Front()
	for u.networks[element.Value.(*conn).network] < most {
		element = element.Next()
	}
	return element.Value.(*conn)
}
