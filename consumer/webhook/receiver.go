package webhook

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// A Receiver is an http.Handler that takes events. Make one with [New].
type Receiver struct {
	cfg   Config
	desk  *desk
	large chan struct{} // a place for each large body in memory

	counts [events.Outcomes]atomic.Int64
}

// New returns a receiver. The error names every fault of the configuration, one
// a line.
func New(cfg Config) (*Receiver, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Receiver{
		cfg:   cfg,
		desk:  newDesk(cfg),
		large: make(chan struct{}, maxLarge),
	}, nil
}

// Stats are what a receiver is doing, and has done, besides what its Observe is told.
type Stats struct {
	// Outcomes counts requests by what became of them, indexed by their outcome.
	Outcomes [events.Outcomes]int64
	// InFlight is how many requests are looked at or handled.
	InFlight int
	// Refused counts requests that were answered 503 since there were too many at
	// once. Those that a stop turned away are not among them.
	Refused int64
}

// Stats may be called at any time.
func (r *Receiver) Stats() Stats {
	s := r.desk.stats()
	for o := range r.counts {
		s.Outcomes[o] = r.counts[o].Load()
	}
	return s
}

// ServeHTTP answers a request, on whatever path it comes; see the package's
// documentation for the answers.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.Method {
	case http.MethodPost:
		r.receive(w, req)
	case http.MethodGet, http.MethodHead:
		r.greet(w)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		refuse(w, http.StatusMethodNotAllowed)
	}
}

func (r *Receiver) greet(w http.ResponseWriter) {
	if r.desk.isClosed() {
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "wildix-worker waits here for the POSTs of a Wildix PBX.")
}

// receive is the way of an event.
func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) {
	arrived := time.Now()
	if !r.desk.enter() {
		refuseForNow(w, minRetryDelay)
		return
	}
	defer r.desk.leave()
	ctx := r.traced(context.Background())
	message, bad := r.read(w, req)
	defer message.release()
	if bad != nil {
		r.turnAway(ctx, w, req, bad)
		return
	}
	var result consumer.Result
	result.Event, result.Outcome, result.Err = events.DecodeSigned(r.cfg.Keys, message.body, message.signature)
	if result.Err == nil {
		handling, cancel := context.WithDeadline(ctx, arrived.Add(r.cfg.AnswerWithin))
		defer cancel()
		result.Outcome, result.Err = r.desk.handle(handling, result.Event)
	}
	result.Took = time.Since(arrived)
	r.conclude(ctx, w, req, result)
}

// traced returns a context with the span of a request, if anybody traces. Its trace
// begins with it, since the PBX sends none.
func (r *Receiver) traced(ctx context.Context) context.Context {
	if r.cfg.Tracer != nil {
		ctx, _ = r.cfg.Tracer.Start(ctx, "process webhook", trace.WithSpanKind(trace.SpanKindServer))
	}
	return ctx
}

// turnAway answers a request that carries nothing to verify.
func (r *Receiver) turnAway(ctx context.Context, w http.ResponseWriter, req *http.Request, bad *badRequest) {
	switch bad.status {
	case http.StatusUnauthorized, http.StatusRequestEntityTooLarge:
		r.tell(ctx, req, consumer.Result{Outcome: events.Rejected, Err: bad})
	default:
		r.cfg.Logger.Debug("request came to nothing", zap.Error(bad), zap.String("remote", req.RemoteAddr))
	}
	if bad.status == http.StatusServiceUnavailable {
		refuseForNow(w, minRetryDelay)
		return
	}
	refuse(w, bad.status)
}

// conclude tells what became of an event, and answers by it.
func (r *Receiver) conclude(ctx context.Context, w http.ResponseWriter, req *http.Request, result consumer.Result) {
	r.tell(ctx, req, result)
	switch {
	case result.Outcome.Done():
		w.WriteHeader(http.StatusNoContent)
	case result.Outcome == events.Rejected:
		refuse(w, http.StatusUnauthorized)
	case result.Outcome == events.Malformed:
		refuse(w, http.StatusBadRequest)
	case events.IsPermanent(result.Err):
		refuse(w, http.StatusUnprocessableEntity)
	default:
		refuseForNow(w, retryDelay(result.Err))
	}
}

func (r *Receiver) tell(ctx context.Context, req *http.Request, result consumer.Result) {
	r.counts[result.Outcome].Add(1)
	result.Trace(trace.SpanFromContext(ctx))
	r.cfg.Observe(result)
	if result.Outcome.Done() {
		result.Log(r.cfg.Logger)
		return
	}
	result.Log(r.cfg.Logger, zap.String("remote", req.RemoteAddr))
}
