package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/net/netutil"

	"wildix-worker/events"
)

// Path is where Serve takes events.
const Path = "/webhook"

const (
	// writeTimeout is how long a request may take in all, so that a client that
	// does not read its answer is let go of.
	writeTimeout = 10 * time.Second
	// idleTimeout is how long a connection is kept without a request: longer
	// than the minute of the usual load balancers, so that it is they who close.
	idleTimeout    = 75 * time.Second
	maxHeaderBytes = 16 << 10
)

// Serve takes events on the listener at [Path] until ctx ends, and then drains:
// requests are answered 503, new connections are not accepted, running handlers
// get ShutdownTimeout. It returns nil after a clean drain, and otherwise what
// kept it from serving or was left undone. It closes the listener.
func (r *Receiver) Serve(ctx context.Context, l net.Listener) error {
	defer l.Close() // also if TLS fails first
	mux := http.NewServeMux()
	mux.Handle(Path, r)
	srv := &http.Server{
		Handler:        mux,
		TLSConfig:      r.cfg.TLS,
		ReadTimeout:    r.cfg.AnswerWithin, // of a handshake, and of header and body
		WriteTimeout:   writeTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       quiet(r.cfg.Logger),
	}
	served := make(chan error, 1)
	go func() { served <- r.serve(srv, netutil.LimitListener(l, r.cfg.MaxConnections)) }()
	r.cfg.Logger.Info("receiving", zap.Stringer("address", l.Addr()), zap.String("path", Path), zap.Bool("tls", r.cfg.TLS != nil))

	select {
	case <-ctx.Done():
		r.cfg.Logger.Info("stopping", zap.Duration("shutdownTimeout", r.cfg.ShutdownTimeout))
		err := r.stop(ctx, srv)
		<-served // that it was shut down
		return err
	case err := <-served:
		return errors.Join(err, r.stop(ctx, srv))
	}
}

func (r *Receiver) serve(srv *http.Server, l net.Listener) error {
	if srv.TLSConfig != nil {
		return srv.ServeTLS(l, "", "")
	}
	return srv.Serve(l)
}

// stop drains the server: first the requests, then handlers that outlive
// theirs.
func (r *Receiver) stop(ctx context.Context, srv *http.Server) error {
	detached := context.WithoutCancel(ctx)
	ctx, cancel := context.WithTimeout(detached, r.cfg.ShutdownTimeout)
	defer cancel()
	r.desk.close()
	unanswered := srv.Shutdown(ctx)
	err := r.Shutdown(ctx)
	if unanswered != nil { // by now the handlers were told to stop
		ctx, cancel := context.WithTimeout(detached, unwindTime)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			srv.Close()
			err = errors.Join(err, errors.New("stopped before all was done: requests were cut off"))
		}
	}
	if err == nil {
		r.cfg.Logger.Info("drained", r.tally()...)
	}
	return err
}

// tally counts what was received by its outcome.
func (r *Receiver) tally() []zap.Field {
	var fields []zap.Field
	for o := range events.Outcome(events.Outcomes) {
		fields = append(fields, zap.Int64(o.String(), r.counts[o].Load()))
	}
	return fields
}

// Shutdown answers every further request 503 and waits until the running
// handlers are done. When ctx ends, it cancels their contexts with
// [consumer.ErrStopping]; those that do not even then return are left behind,
// and the error says how many.
func (r *Receiver) Shutdown(ctx context.Context) error {
	r.desk.close()
	if abandoned := r.desk.drain(ctx); abandoned > 0 {
		r.cfg.Logger.Error("stopped before all was done", append(r.tally(), zap.Int("abandoned", abandoned))...)
		return fmt.Errorf("stopped before all was done: %d handlers did not return; the PBX will send their events again", abandoned)
	}
	return nil
}

// Ready reports why no events are taken any more, if so.
func (r *Receiver) Ready() error {
	if r.desk.isClosed() {
		return errors.New("stopping")
	}
	return nil
}

// quiet logs what net/http has to say of connections: on a public address most of it is
// noise of scanners. That none can be accepted is none.
func quiet(log *zap.Logger) *stdlog.Logger { return stdlog.New(connectionLog{log}, "", 0) }

type connectionLog struct{ *zap.Logger }

func (l connectionLog) Write(line []byte) (int, error) {
	level := zapcore.DebugLevel
	if bytes.Contains(line, []byte("Accept error")) || bytes.Contains(line, []byte("panic serving")) {
		level = zapcore.ErrorLevel
	}
	l.Log(level, "http: "+string(bytes.TrimPrefix(bytes.TrimSpace(line), []byte("http: "))))
	return len(line), nil
}
