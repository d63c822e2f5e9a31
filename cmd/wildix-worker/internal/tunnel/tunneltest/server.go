// Package tunneltest has a server of localtunnel for tests, with the protocol of
// https://github.com/localtunnel/server: a client asks by HTTP for a name, and is told a port.
// Requests to the name go over the connections that the client opens to the port.
package tunneltest

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Server gives names to clients, and forwards requests to the path /public/NAME/... to
// them. The real one has a host name for each instead.
type Server struct {
	*httptest.Server
	mu      sync.Mutex
	clients map[string]*client
}

type client struct {
	listener net.Listener
	proxy    http.Handler
	mu       sync.Mutex
	open     []net.Conn
}

// Start starts a server at an address, which may be of port 0.
func Start(t testing.TB, address string) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{clients: make(map[string]*client)}
	s.Server = httptest.NewUnstartedServer(s)
	s.Listener.Close()
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Stop ends the server and all connections of clients.
func (s *Server) Stop() {
	s.mu.Lock()
	for name, c := range s.clients {
		c.close()
		delete(s.clients, name)
	}
	s.mu.Unlock()
	s.Close()
}

// ServeHTTP gives a name to a client, or forwards a request to one.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.Trim(r.URL.Path, "/")
	if rest, ok := strings.CutPrefix(name, "public/"); ok {
		name, path, _ := strings.Cut(rest, "/")
		s.mu.Lock()
		c := s.clients[name]
		s.mu.Unlock()
		if c == nil {
			http.NotFound(w, r)
			return
		}
		r.URL.Path = "/" + path
		c.proxy.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if name == "taken" {
		w.WriteHeader(http.StatusForbidden)
		json.NewEncoder(w).Encode(map[string]string{"message": "the name is taken"})
		return
	}
	if name == "" {
		name = "wise-otter-12"
	}
	port, err := s.add(name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"id": name, "port": port, "max_conn_count": 4, "url": s.URL + "/public/" + name})
}

func (s *Server) add(name string) (port int, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	c := &client{listener: listener}
	c.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "client"})
			r.SetXForwarded()
		},
		Transport: &http.Transport{DialContext: c.connection, MaxIdleConns: 4, MaxConnsPerHost: 4},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.clients[name]; old != nil {
		old.close()
	}
	s.clients[name] = c
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// connection returns one that the client has opened.
func (c *client) connection(ctx context.Context, _, _ string) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		c.listener.(*net.TCPListener).SetDeadline(deadline)
	} else {
		c.listener.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
	}
	conn, err := c.listener.Accept()
	if err == nil {
		c.mu.Lock()
		c.open = append(c.open, conn)
		c.mu.Unlock()
	}
	return conn, err
}

func (c *client) close() {
	c.listener.Close()
	c.proxy.(*httputil.ReverseProxy).Transport.(*http.Transport).CloseIdleConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		conn.Close()
	}
}
