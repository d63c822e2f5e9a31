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
	"go.uber.org/zap/zapcore"
	"golang.org/x/net/netutil"
)

// Path is where Serve receives events.
const Path = "/webhook"

const (
	// writeTimeout is the time from the end of a request's header to the end of
	// its answer. It disconnects clients that don't read their answer.
	writeTimeout = 10 * time.Second
	// idleTimeout is how long a connection without a request is kept. It is longer
	// than the minute of most load balancers, so that they close first and never
	// send a request on a connection that is being closed here.
	idleTimeout    = 75 * time.Second
	maxHeaderBytes = 16 << 10
)

// Serve receives events at [Path] on the listener until ctx ends. Then it drains:
// it answers requests 503, accepts no new connections, and waits up to
// ShutdownTimeout for running handlers. It returns nil after a clean drain. It
// always closes the listener.
func (r *Receiver) Serve(ctx context.Context, l net.Listener) error {
	defer l.Close() // also if TLS can't be set up
	mux := http.NewServeMux()
	mux.Handle(Path, r)
	srv := &http.Server{
		Handler:        mux,
		TLSConfig:      r.cfg.TLS,
		ReadTimeout:    r.cfg.AnswerWithin, // for a handshake, and for header and body
		WriteTimeout:   writeTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       newServerLog(r.cfg.Logger),
	}
	served := make(chan error, 1)
	go func() { served <- serve(srv, netutil.LimitListener(l, r.cfg.MaxConnections)) }()
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

func serve(srv *http.Server, l net.Listener) error {
	if srv.TLSConfig != nil {
		return srv.ServeTLS(l, "", "")
	}
	return srv.Serve(l)
}

// newServerLog returns the error log of an http.Server. On a public address most
// lines are about the connections of scanners, so the level is debug, except for
// failures of the server itself.
func newServerLog(log *zap.Logger) *stdlog.Logger { return stdlog.New(serverLog{log}, "", 0) }

type serverLog struct{ *zap.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	level := zapcore.DebugLevel
	if bytes.Contains(line, []byte("Accept error")) || bytes.Contains(line, []byte("panic serving")) {
		level = zapcore.ErrorLevel
	}
	l.Log(level, "http: "+string(bytes.TrimPrefix(bytes.TrimSpace(line), []byte("http: "))))
	return len(line), nil
}
