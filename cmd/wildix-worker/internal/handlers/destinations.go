// Package handlers builds the handlers that the settings name, with metrics, tracing and
// deduplication.
package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/tracing"
	"wildix-worker/consumer/metrics"
	"wildix-worker/events"
	"wildix-worker/events/route"
)

// New returns the destinations of the file or, if it has none, the handlers that the settings
// name. It adds what is wrong with the settings. The queue's URL is empty for the HTTP
// transport.
func New(s *Settings, file *config.File, queueURL string, log *zap.Logger, faults *config.Faults) *Destinations {
	log = cmp.Or(log, zap.NewNop()) // a wrong log setting
	s.checkOnce(faults)
	s.checkOutput(faults)
	s.checkState(file, faults)
	d := &Destinations{log: log, stateURL: s.State, grace: graceOf(queueURL), dedup: &dedup{settings: s.Once, queueURL: queueURL, log: log}}
	var tracingFaults []error
	d.tracing, tracingFaults = tracing.FromEnvironment()
	for _, err := range tracingFaults {
		faults.AddText(err.Error())
	}
	if node, _ := file.Destinations(); node != nil {
		d.fromFile(s, file, faults)
	} else {
		d.fromSettings(s, file, faults)
	}
	checkStandardOutput(d.handlers, faults)
	d.unused, d.right = s.unused(d, file), faults.Len() == 0
	return d
}

// fromSettings adds the handlers that the settings name.
func (d *Destinations) fromSettings(s *Settings, file *config.File, faults *config.Faults) {
	for _, name := range splitCommas(s.Handlers) {
		h, err := s.build(name, file, d.log, faults)
		if err == nil && d.has(name) {
			err = fmt.Errorf("handler %q is named twice", name)
		}
		if err != nil {
			faults.Add("--handlers (WILDIX_HANDLERS)", err)
			continue
		}
		d.handlers = append(d.handlers, h)
	}
}

// unused returns the settings that are set for handlers that are not destinations, most
// likely because --handlers does not name them by mistake.
func (s *Settings) unused(d *Destinations, file *config.File) (settings []string) {
	for _, setting := range []struct {
		handler, variable string
		isSet             bool
	}{
		{"command", "WILDIX_COMMAND", s.Command != ""},
		{"forward", forwardURL, file.Secret(forwardURL) != ""},
		{"store", "WILDIX_STORE_RETENTION", s.StoreRetention != config.Age{}},
	} {
		if setting.isSet && !d.has(setting.handler) {
			settings = append(settings, setting.variable)
		}
	}
	return settings
}

// Destinations are the handlers that run, each one a destination of its own. They take
// events between Open and Close.
type Destinations struct {
	log      *zap.Logger
	handlers []destination.Destination
	dedup    *dedup        // nil if events that are received again are handled again
	router   *route.Router // nil before Open, and with Only
	stateURL string        // of the database of whole calls; empty for a file of this machine
	grace    time.Duration // of call:finished
	whole    *wholeCalls   // nil until a destination wants whole calls
	limits   Limits
	metrics  *metrics.Metrics
	tracing  tracing.Settings
	traces   *tracing.Tracing // nil before Open, and if tracing is off
	right    bool             // no setting of theirs is wrong
	unused   []string         // settings of other handlers
	current  atomic.Pointer[serving]
	retiring retiring
}

// serving is what takes events between two changes of the destinations.
type serving struct {
	events.Handler
	handlers []destination.Destination
	routes   []route.Destination // for the handlers
	whole    *wholeCalls         // nil if no destination wants whole calls
}

// HandleEvent passes an event to the destinations that want it.
func (d *Destinations) HandleEvent(ctx context.Context, e *events.Event) error {
	return d.current.Load().HandleEvent(ctx, e)
}

// Only returns one handler with the log and tracing of d. It is not a destination: events
// are not held for it, and one that is received again is handled again.
func (d *Destinations) Only(name string, h events.Handler, closeHandler func() error) *Destinations {
	return &Destinations{
		log: d.log, tracing: d.tracing,
		handlers: []destination.Destination{{Handler: h, Name: name, Close: closeHandler}},
	}
}

func (d *Destinations) has(name string) bool {
	return slices.ContainsFunc(d.handlers, func(h destination.Destination) bool { return h.Name == name })
}

// All returns the destinations, in the order of the configuration. They need not be open.
func (d *Destinations) All() []destination.Destination { return slices.Clone(d.handlers) }

// Tracer returns the tracer, or nil if tracing is off. It must be called after Open.
func (d *Destinations) Tracer() trace.Tracer { return d.traces.Tracer() }

// Limits apply to each destination. The zero values are the defaults of package route.
type Limits struct {
	Concurrency int
	Timeout     time.Duration
}

// maxConcurrency is the limit of a consumer, which handles the events of all destinations.
const maxConcurrency = 10_000

// Open makes the handlers ready for events. If ctx ends first, it returns nil.
func (d *Destinations) Open(ctx context.Context, limits Limits, m *metrics.Metrics, v buildinfo.Version) (err error) {
	defer func() {
		if ctx.Err() != nil { // stopped while starting
			err = nil
		}
	}()
	for _, setting := range d.unused {
		d.log.Warn("setting of a handler that WILDIX_HANDLERS does not name", zap.String("setting", setting))
	}
	if d.traces, err = tracing.Start(ctx, d.tracing, string(v), d.log); err != nil {
		return err
	}
	d.limits, d.metrics = limits, m
	if d.dedup == nil {
		d.current.Store(&serving{Handler: d.observed(d.handlers[0]), handlers: d.handlers})
		return nil
	}
	if err := d.dedup.open(ctx); err != nil {
		return err
	}
	first, err := d.connect(ctx, &serving{}, d.handlers)
	if err != nil {
		return err
	}
	if d.router, err = route.New(route.Config{Destinations: first.routes, Logger: d.log}); err != nil {
		return err
	}
	if first.whole, err = d.wholeCallsOf(ctx, d.handlers); err != nil {
		return err
	}
	if first.whole == nil && d.stateURL != "" {
		d.log.Warn("setting state is not used, because no destination gets call:finished")
	}
	d.serve(first)
	m.Destinations(d.Stats)
	m.HTTPResponses(d.responses)
	return nil
}

// serve has events passed to these destinations.
func (d *Destinations) serve(s *serving) {
	s.Handler = d.router
	if s.whole != nil {
		s.Handler = s.whole
	}
	d.current.Store(s)
}

// connect connects the handlers that are not the same as before to what they need.
func (d *Destinations) connect(ctx context.Context, before *serving, handlers []destination.Destination) (*serving, error) {
	after := &serving{}
	var connecting []destination.Destination
	for _, h := range handlers {
		i := slices.IndexFunc(before.handlers, func(old destination.Destination) bool { return old.Name == h.Name && old.Version == h.Version })
		if i >= 0 {
			after.handlers, after.routes = append(after.handlers, before.handlers[i]), append(after.routes, before.routes[i])
			continue
		}
		r, err := d.route(h, d.defaultConcurrency(handlers))
		if err != nil {
			return nil, fmt.Errorf("handler %s: %w", h.Name, err)
		}
		connecting = append(connecting, h)
		after.handlers, after.routes = append(after.handlers, h), append(after.routes, r)
	}
	return after, connectAll(ctx, connecting, d.log)
}

// route returns the destination of a router for a handler.
func (d *Destinations) route(named destination.Destination, concurrency int) (route.Destination, error) {
	for _, doubt := range named.Doubts() {
		d.log.Warn("no known event has this type", zap.String("destination", named.Name), zap.String("type", doubt.Type), zap.String("nearest", doubt.Nearest))
	}
	h, err := d.dedup.wrap(named.Name, d.observed(named))
	return route.Destination{
		Name: named.Name, Version: named.Version, Handler: h, On: named.On, When: named.ConditionAmongWholeCalls(d.derives),
		Concurrency: cmp.Or(named.Concurrency, concurrency), Timeout: cmp.Or(named.Timeout, d.limits.Timeout),
	}, err
}

// defaultConcurrency returns the concurrency of destinations that set none: what those that
// do leave of the consumer's limit is for all of them.
func (d *Destinations) defaultConcurrency(of []destination.Destination) int {
	left, count := maxConcurrency, 0
	for _, named := range of {
		left -= named.Concurrency
		if named.Concurrency == 0 {
			count++
		}
	}
	return min(cmp.Or(d.limits.Concurrency, route.DefaultConcurrency), max(left/max(count, 1), 1))
}

// observed measures and traces the calls of a handler.
func (d *Destinations) observed(named destination.Destination) events.Handler {
	return d.traces.Handler(named.Name)(d.metrics.Handler(named.Name)(named.Handler))
}

// responses returns the requests of HTTP destinations by name and class.
func (d *Destinations) responses() map[string]map[string]uint64 {
	counts := make(map[string]map[string]uint64)
	for _, h := range d.current.Load().handlers {
		if h.Responses != nil {
			counts[h.Name] = h.Responses()
		}
	}
	return counts
}

// Close closes the handlers in reverse order.
func (d *Destinations) Close() error {
	d.retiring.stop()
	var failures []error
	if d.whole != nil {
		if err := d.whole.state.Close(); err != nil {
			failures = append(failures, fmt.Errorf("state: %w", err))
		}
	}
	for _, h := range slices.Backward(d.handlers) {
		failures = append(failures, closeHandler(h))
	}
	d.traces.Stop()
	return errors.Join(failures...)
}

func closeHandler(h destination.Destination) error {
	if h.Close == nil {
		return nil
	}
	if err := h.Close(); err != nil {
		return fmt.Errorf("handler %s: %w", h.Name, err)
	}
	return nil
}
