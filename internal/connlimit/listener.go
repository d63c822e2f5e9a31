// Package connlimit limits the connections of an HTTP server. When there are too many, one
// that has proved nothing, or has been idle for longest, is closed for the new one, so that
// nobody keeps others out by holding connections.
package connlimit

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// grace is how long an untrusted connection is kept whatever comes, so that a burst of honest
// clients has the time to become trusted.
const grace = 100 * time.Millisecond

// Config configures a Listener.
type Config struct {
	// Max is how many connections are open at once, at least 1.
	Max int
	// MaxUntrusted is how many of them may be untrusted, at least 1.
	MaxUntrusted int
	// Closed, unless nil, is called for each connection that is closed for another one. It
	// must not block.
	Closed func()
}

// A Listener is a net.Listener for an http.Server, whose ConnState and ConnContext must be
// those of the Listener. A connection is untrusted until [Trust] is called for a request
// on it.
type Listener struct {
	net.Listener
	cfg Config

	waiting atomic.Bool // Accept waits for room

	mu        sync.Mutex
	room      sync.Cond // there may be room, or the listener is closed
	closed    bool
	open      map[*conn]struct{}
	untrusted untrusted
}

// New returns a listener that accepts the connections of l.
func New(l net.Listener, cfg Config) *Listener {
	limited := &Listener{Listener: l, cfg: cfg, open: make(map[*conn]struct{}), untrusted: newUntrusted()}
	limited.room.L = &limited.mu
	return limited
}

// Accept waits for the next connection. If there are as many as there may be, it closes an
// untrusted one that is older than a moment, or else the one that is idle for longest, or else
// waits until one is closed.
func (l *Listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: accepted, listener: l, network: networkOf(accepted.RemoteAddr()), accepted: time.Now()}
	if !l.admit(c) {
		accepted.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

// admit adds a connection as soon as there is room for it. It reports false if the listener
// is closed first.
func (l *Listener) admit(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.closed {
		if len(l.open) < l.cfg.Max && l.untrusted.len() < l.cfg.MaxUntrusted {
			l.open[c] = struct{}{}
			l.untrusted.add(c)
			return true
		}
		l.makeRoom()
	}
	return false
}

// makeRoom closes a connection for a new one, or waits until something has changed. l.mu is held.
func (l *Listener) makeRoom() {
	l.waiting.Store(true)
	defer l.waiting.Store(false)
	victim := l.victim()
	if victim == nil {
		l.room.Wait()
		return
	}
	if left := grace - time.Since(victim.accepted); victim.element != nil && left > 0 {
		timer := time.AfterFunc(left, l.wake)
		defer timer.Stop()
		l.room.Wait()
		return
	}
	l.closeForAnother(victim)
}

// wake makes Accept look again whether there is room.
func (l *Listener) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.room.Broadcast()
}

// victim returns the connection to close for a new one, or nil if all are trusted and in use.
func (l *Listener) victim() *conn {
	if l.untrusted.len() > 0 {
		return l.untrusted.victim()
	}
	var longest *conn
	for c := range l.open {
		if since := c.idleSince.Load(); since != 0 && (longest == nil || since < longest.idleSince.Load()) {
			longest = c
		}
	}
	return longest
}

func (l *Listener) closeForAnother(c *conn) {
	l.remove(c)
	c.Conn.Close()
	if l.cfg.Closed != nil {
		l.cfg.Closed()
	}
}

// remove forgets a connection. l.mu is held.
func (l *Listener) remove(c *conn) {
	delete(l.open, c)
	l.untrusted.remove(c)
}

// Close closes the listener, and leaves its connections open.
func (l *Listener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.room.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}

// Open returns how many connections are open.
func (l *Listener) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// ConnState is for the field of the http.Server.
func (l *Listener) ConnState(server net.Conn, state http.ConnState) {
	c := unwrap(server)
	if c == nil {
		return
	}
	if state != http.StateIdle {
		c.idleSince.Store(0)
		return
	}
	c.idleSince.Store(time.Now().UnixNano())
	if l.waiting.Load() {
		l.wake()
	}
}

type contextKey struct{}

// ConnContext is for the field of the http.Server.
func (*Listener) ConnContext(ctx context.Context, server net.Conn) context.Context {
	return context.WithValue(ctx, contextKey{}, unwrap(server))
}

// Trust makes the connection of a request trusted, if it is one of a Listener.
func Trust(ctx context.Context) {
	c, _ := ctx.Value(contextKey{}).(*conn)
	if c == nil || c.trusted.Swap(true) {
		return
	}
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.listener.untrusted.remove(c)
	c.listener.room.Broadcast()
}

// Untrusted reports whether a request is on an untrusted connection of a Listener.
func Untrusted(ctx context.Context) bool {
	c, _ := ctx.Value(contextKey{}).(*conn)
	return c != nil && !c.trusted.Load()
}

// networkOf returns what belongs to one client: an IPv4 address, or the /64 of an IPv6 address.
func networkOf(addr net.Addr) netip.Prefix {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap()
	network, _ := ip.Prefix(min(ip.BitLen(), 64))
	return network
}
