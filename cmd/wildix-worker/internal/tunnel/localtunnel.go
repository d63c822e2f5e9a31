package tunnel

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

const (
	defaultServer = "https://localtunnel.me"
	// maxConnections is how many connections are kept to the server at most, and so how many
	// requests are forwarded at once. The server may ask for fewer.
	maxConnections = 10
	// dialTimeout is how long the server or the webhook may take to accept a connection.
	dialTimeout = 10 * time.Second
	// unusedPause is how long a connection waits to be opened again if the server has closed
	// it unused.
	unusedPause = time.Second
)

// A localtunnel is a tunnel of a server of https://github.com/localtunnel. The client asks it
// by HTTP for a name, and is told a TCP port. Whatever comes over a connection to that port
// is a request.
type localtunnel struct {
	server string
	id     string // the subdomain; empty for one that the server chooses
	to     string
}

// A lease is what the server answers.
type lease struct {
	ID             string `json:"id"`
	Port           int    `json:"port"`
	MaxConnections int    `json:"max_conn_count"`
	URL            string `json:"url"`
	Message        string `json:"message"` // why it refuses the name
}

func (l *localtunnel) open(ctx context.Context, s *state) error {
	granted, err := l.request(ctx)
	if err != nil {
		return err
	}
	l.id = granted.ID // the next lease has the same URL
	s.opened(granted.URL)
	return l.forward(ctx, granted)
}

// request asks the server for a name.
func (l *localtunnel) request(ctx context.Context) (lease, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	address := cmp.Or(l.server, defaultServer) + "/?new"
	if l.id != "" {
		address = cmp.Or(l.server, defaultServer) + "/" + url.PathEscape(l.id)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return lease{}, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return lease{}, err
	}
	defer response.Body.Close()
	var granted lease
	err = json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&granted)
	switch {
	case response.StatusCode >= 400 && response.StatusCode < 500 && granted.Message != "":
		return lease{}, &exit.UsageError{Err: fmt.Errorf("%s: the server refuses it: %s", tunnelFlag, term.Printable(granted.Message))}
	case response.StatusCode != http.StatusOK:
		return lease{}, fmt.Errorf("%s answers %s", address, response.Status)
	case err != nil || granted.Port <= 0 || granted.Port > 65535 || !isURL(granted.URL):
		return lease{}, fmt.Errorf("%s is not a server of localtunnel", address)
	}
	return granted, nil
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// forward forwards requests until ctx ends or a connection to the server can't be opened.
func (l *localtunnel) forward(ctx context.Context, granted lease) error {
	server, err := url.Parse(cmp.Or(l.server, defaultServer))
	if err != nil {
		return err
	}
	from := net.JoinHostPort(server.Hostname(), strconv.Itoa(granted.Port))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var connections sync.WaitGroup
	for range min(max(granted.MaxConnections, 1), maxConnections) {
		connections.Go(func() {
			for ctx.Err() == nil {
				if err := l.forwardOne(ctx, from); err != nil {
					cancel(err)
				}
			}
		})
	}
	connections.Wait()
	return context.Cause(ctx)
}

// forwardOne opens a connection to the server, waits for a request, and forwards all of the
// connection to the webhook. It returns an error if the server does not accept a connection.
func (l *localtunnel) forwardOne(ctx context.Context, from string) error {
	dialer := &net.Dialer{Timeout: dialTimeout}
	remote, err := dialer.DialContext(ctx, "tcp", from)
	if err != nil {
		return err
	}
	defer remote.Close()
	defer context.AfterFunc(ctx, func() { remote.Close() })()
	request := bufio.NewReader(remote)
	if _, err := request.Peek(1); err != nil {
		select {
		case <-time.After(unusedPause):
		case <-ctx.Done():
		}
		return nil // the server may close what it does not need
	}
	local, err := dialer.DialContext(ctx, "tcp", l.to)
	if err != nil {
		return nil // the webhook is stopping
	}
	defer local.Close()
	// An end of either side ends the connection, and whoever made the request sees that.
	var requests sync.WaitGroup
	requests.Go(func() {
		_, _ = io.Copy(local, request)
		if tcp, ok := local.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
	})
	_, _ = io.Copy(remote, local)
	remote.Close() // ends the copy of requests
	requests.Wait()
	return nil
}
