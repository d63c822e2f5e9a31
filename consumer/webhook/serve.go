package webhook

import (
	"bytes"
	"context"
	"errors"
	stdlog "log"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"wildix-worker/internal/connlimit"
)

const (
	// writeTimeout is the time from the end of a request's header to the end of
	// its answer. It disconnects clients that don't read their answer.
	writeTimeout   = 10 * time.Second
	maxHeaderBytes = 16 << 10
	// untrustedPart is the part of MaxConnections that may be open without having shown a
	// valid signature, but at least minUntrusted. Each needs up to 250 KiB of memory.
	untrustedPart = 8
	minUntrusted  = 16
)

// Serve receives events at [Path] on the listener until ctx ends. Then it drains:
// it answers requests 503, accepts no new connections, and waits up to
// ShutdownTimeout for running handlers. It returns nil after a clean drain. It
// always closes the listener.
func (r *Receiver) Serve(ctx context.Context, l net.Listener) error {
	defer l.Close() // also if TLS can't be set up
	connections := connlimit.New(l, connlimit.Config{
		Max:          r.cfg.MaxConnections,
		MaxUntrusted: r.maxUntrusted(),
		Closed:       r.connectionClosed,
	})
	r.connections.Store(connections)
	srv := &http.Server{
		Handler:        http.HandlerFunc(r.route),
		TLSConfig:      r.cfg.TLS,
		ReadTimeout:    r.cfg.AnswerWithin, // for a handshake, and for header and body
		WriteTimeout:   writeTimeout,
		IdleTimeout:    r.cfg.IdleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		Protocols:      onlyHTTP1(),
		ConnState:      connections.ConnState,
		ConnContext:    connections.ConnContext,
		ErrorLog:       stdlog.New(serverLog{r}, "", 0),
	}
	served := make(chan error, 1)
	go func() { served <- serve(srv, connections) }()
	r.cfg.Logger.Info("receiving", zap.Stringer("address", l.Addr()), zap.String("path", Path), zap.Bool("tls", r.cfg.TLS != nil))

	select {
	case <-ctx.Done():
		r.cfg.Logger.Info("stopping", zap.Duration("shutdownTimeout", r.cfg.ShutdownTimeout))
		err := r.shutdownServer(ctx, srv)
		<-served //nolint:errcheck // http.ErrServerClosed
		return err
	case err := <-served:
		return errors.Join(err, r.shutdownServer(ctx, srv))
	}
}

// onlyHTTP1 returns HTTP/1.1. A connection of HTTP/2 carries many requests at once, of which
// each takes memory for as long as its client likes. A PBX needs none of that.
func onlyHTTP1() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return protocols
}

// connectionClosed counts a connection that was closed for another one.
func (r *Receiver) connectionClosed() {
	r.closed.Add(1)
	r.crowd.happens(zap.Int("limit", r.cfg.MaxConnections), zap.Int("withoutSignature", r.maxUntrusted()))
}

// maxUntrusted is how many connections may be open without having shown a valid signature.
func (r *Receiver) maxUntrusted() int {
	return min(r.cfg.MaxConnections, max(minUntrusted, r.cfg.MaxConnections/untrustedPart))
}

func serve(srv *http.Server, l net.Listener) error {
	if srv.TLSConfig != nil {
		return srv.ServeTLS(l, "", "")
	}
	return srv.Serve(l)
}

// A serverLog is the error log of an http.Server. On a public address most lines are about
// the connections of scanners, so the level is debug, except for failures of the server
// itself.
type serverLog struct{ *Receiver }

func (l serverLog) Write(line []byte) (int, error) {
	summary := l.unreadable
	if bytes.Contains(line, []byte("Accept error")) || bytes.Contains(line, []byte("panic serving")) {
		summary = l.serverErrors
	}
	if summary.admit("connection failed") {
		l.cfg.Logger.Log(summary.level, "http: "+string(bytes.TrimPrefix(bytes.TrimSpace(line), []byte("http: "))))
	}
	return len(line), nil
}
