package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/consumer/internal/observe"
	"wildix-worker/events"
	"wildix-worker/internal/connlimit"
)

// ErrTooOld means that an event is older than MaxAge. It may have been recorded and sent
// again by somebody who can't sign.
var ErrTooOld = errors.New("event too old")

// A Receiver is an http.Handler that receives events. Create one with [New]. Its
// methods are safe for concurrent use.
type Receiver struct {
	cfg        Config
	limiter    *limiter
	reader     *requestReader
	dispatcher *dispatcher

	counts       [events.Outcomes]atomic.Int64
	misdirected  atomic.Int64
	misdirection *episode
	connections  atomic.Pointer[connlimit.Listener] // of Serve
	closed       atomic.Int64                       // connections, for others
	crowd        *episode

	// What anybody can cause, by the level of its lines.
	rejected, unreadable, serverErrors *summaryLog
}

// New returns a receiver. The error names every fault of the configuration, one
// per line.
func New(cfg Config) (*Receiver, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	cfg.Observe = observe.Guard(cfg.Observe, cfg.Logger)
	return &Receiver{
		cfg:        cfg,
		limiter:    newLimiter(cfg.MaxInFlight, cfg.Logger),
		reader:     newRequestReader(cfg.MaxBody, cfg.Logger),
		dispatcher: newDispatcher(cfg.Handler, cfg.Concurrency, cfg.Logger),
		misdirection: newEpisode(cfg.Logger, "signed events come to another path and are lost, correct the integration's address",
			"no more signed events come to another path", "events"),
		crowd: newEpisode(cfg.Logger, "too many connections, closing those that have shown no valid signature or are idle for longest",
			"connections are no longer closed for others", "closed"),
		rejected:     newSummaryLog(cfg.Logger, zap.WarnLevel, "more requests rejected"),
		unreadable:   newSummaryLog(cfg.Logger, zap.DebugLevel, "more requests failed before they could be verified"),
		serverErrors: newSummaryLog(cfg.Logger, zap.ErrorLevel, "more errors of the server"),
	}, nil
}

// Stats describe the requests of a receiver since it was created.
type Stats struct {
	// Outcomes counts requests; the index is an events.Outcome.
	Outcomes [events.Outcomes]int64
	// InFlight is the number of requests being read or handled.
	InFlight int
	// Refused counts requests that were answered 503 because MaxInFlight was
	// reached, or there were too many large bodies. Requests refused because the receiver is stopping don't count.
	Refused int64
	// Connections is the number of connections that Serve has open, and
	// ConnectionsClosed counts those that it has closed to make room for others.
	Connections       int
	ConnectionsClosed int64
	// Misdirected counts signed requests that Serve answered 404, because they were
	// posted to another path.
	Misdirected int64
}

// Stats returns the current statistics.
func (r *Receiver) Stats() Stats {
	var s Stats
	s.InFlight, s.Refused = r.limiter.counts()
	s.Refused += r.reader.bodies.count()
	s.Misdirected = r.misdirected.Load()
	if connections := r.connections.Load(); connections != nil {
		s.Connections = connections.Open()
	}
	s.ConnectionsClosed = r.closed.Load()
	for o := range r.counts {
		s.Outcomes[o] = r.counts[o].Load()
	}
	return s
}

// Ready returns an error if the receiver is stopping and takes no more events.
func (r *Receiver) Ready() error {
	if r.limiter.isClosed() {
		return errors.New("stopping")
	}
	return nil
}

// ServeHTTP answers a request, whatever its path. The package documentation lists
// the answers.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.Method {
	case http.MethodPost:
		r.serveEvent(w, req)
	case http.MethodGet, http.MethodHead:
		r.serveHealthCheck(w)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		writeError(w, http.StatusMethodNotAllowed)
	}
}

func (r *Receiver) serveHealthCheck(w http.ResponseWriter) {
	if r.Ready() != nil {
		writeError(w, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "wildix-worker is waiting for POST requests from a Wildix PBX.")
}

// serveEvent reads, verifies and dispatches the event of a request, and answers it.
func (r *Receiver) serveEvent(w http.ResponseWriter, req *http.Request) {
	arrived := time.Now()
	if !r.limiter.acquire() {
		writeUnavailable(w, minRetryDelay)
		return
	}
	defer r.limiter.release()
	// A client that disconnects must not end its handler.
	ctx := r.startSpan(context.WithoutCancel(req.Context()))
	message, failure := r.reader.read(w, req)
	defer message.release()
	if failure != nil {
		r.serveUnreadable(ctx, w, req, failure)
		return
	}
	var result consumer.Result
	result.Event, result.Outcome, result.Err = r.verify(message)
	if result.Err == nil || result.Outcome == events.Malformed {
		trust(w, req)
	}
	if result.Err == nil && !r.reader.keep(&message) {
		r.serveUnreadable(ctx, w, req, &requestError{http.StatusServiceUnavailable, errNoRoom.Error()})
		return
	}
	if result.Err == nil {
		handling, cancel := context.WithDeadline(ctx, arrived.Add(r.cfg.AnswerWithin))
		defer cancel()
		result.Outcome, result.Err = r.dispatcher.dispatch(handling, result.Event)
	}
	result.Took = time.Since(arrived)
	r.record(ctx, req, result)
	writeResult(w, result)
}

// verify verifies and decodes a message. One that is too old is rejected.
func (r *Receiver) verify(m message) (*events.Event, events.Outcome, error) {
	e, outcome, err := events.DecodeSigned(r.cfg.Keys, m.body, m.signature)
	if err != nil || r.cfg.MaxAge == 0 {
		return e, outcome, err
	}
	if age := time.Since(e.Time); age > r.cfg.MaxAge {
		return nil, events.Rejected, fmt.Errorf("%w: it is %s old, at most %s is accepted", ErrTooOld, age.Round(time.Second), r.cfg.MaxAge)
	}
	return e, 0, nil
}

// startSpan returns a context with the span of a request, if there is a tracer. The span
// starts a trace, because the PBX sends no trace context.
func (r *Receiver) startSpan(ctx context.Context) context.Context {
	if r.cfg.Tracer != nil {
		ctx, _ = r.cfg.Tracer.Start(ctx, "process webhook", trace.WithSpanKind(trace.SpanKindServer))
	}
	return ctx
}

// serveUnreadable answers a request that can't be verified.
func (r *Receiver) serveUnreadable(ctx context.Context, w http.ResponseWriter, req *http.Request, failure *requestError) {
	switch failure.status {
	case http.StatusUnauthorized, http.StatusRequestEntityTooLarge:
		r.record(ctx, req, consumer.Result{Outcome: events.Rejected, Err: failure})
	default:
		if r.unreadable.admit(failure.reason) {
			r.cfg.Logger.Debug("request failed before it could be verified", zap.Error(failure), zap.String("remote", req.RemoteAddr))
		}
	}
	if failure.status == http.StatusServiceUnavailable {
		writeUnavailable(w, minRetryDelay)
		return
	}
	writeError(w, failure.status)
}

// record counts, traces and logs the outcome of a request.
func (r *Receiver) record(ctx context.Context, req *http.Request, result consumer.Result) {
	r.counts[result.Outcome].Add(1)
	result.Trace(trace.SpanFromContext(ctx))
	r.cfg.Observe(result)
	switch {
	case result.Outcome.Done():
		result.Log(r.cfg.Logger)
	case result.Outcome != events.Rejected || r.rejected.admit(reason(result.Err)):
		result.Log(r.cfg.Logger, zap.String("remote", req.RemoteAddr))
	}
}

// reason returns why a request is rejected, in words that many have in common.
func reason(err error) string {
	if errors.Is(err, ErrTooOld) {
		return ErrTooOld.Error()
	}
	return err.Error()
}
