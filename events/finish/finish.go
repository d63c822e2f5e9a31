package finish

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/events/route"
)

const (
	// DefaultGrace is how long call:finished waits for late events of its call.
	DefaultGrace = 10 * time.Second
	// DefaultTimeout is how long one access to the state may take.
	DefaultTimeout = 5 * time.Second
	// stateConcurrency is how many events may be accessing the state at once.
	stateConcurrency = 64
)

// Config is the configuration of a [Handler].
type Config struct {
	// Next gets every event, and call:finished. It is required, and is usually a
	// [*route.Router].
	Next events.Handler
	// State keeps the calls. It is required.
	State State
	// Grace is how long call:finished waits for late events of its call, once the event of
	// the end is in the state. Zero means DefaultGrace.
	Grace time.Duration
	// Timeout limits each access to the state. Zero means DefaultTimeout.
	Timeout time.Duration
	// Logger gets one line when the state goes down, and one when it is up again, both with
	// the destination "state". If it is nil, nothing is logged.
	Logger *zap.Logger
}

// validate returns all faults, each a *[events.FieldError].
func (cfg *Config) validate() error {
	var faults []error
	fault := func(field, problem string) {
		faults = append(faults, &events.FieldError{Field: field, Err: errors.New(problem)})
	}
	if cfg.Next == nil {
		fault("Next", "required")
	}
	if cfg.State == nil {
		fault("State", "required")
	}
	if cfg.Grace < 0 {
		fault("Grace", cfg.Grace.String()+" is negative")
	}
	if cfg.Timeout < 0 {
		fault("Timeout", cfg.Timeout.String()+" is negative")
	}
	return errors.Join(faults...)
}

// A Handler passes events on to another, and besides derives call:finished for it. Its
// methods are safe for concurrent use.
type Handler struct {
	next  events.Handler
	state *route.Router // with one destination, which merges the merge of its context
	grace time.Duration
}

// New returns a Handler. Its error has every fault of the configuration, each a
// *[events.FieldError].
func New(cfg Config) (*Handler, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	h := &Handler{next: cfg.Next, grace: cfg.Grace}
	if h.grace == 0 {
		h.grace = DefaultGrace
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	var err error
	h.state, err = route.New(route.Config{Logger: cfg.Logger, Destinations: []route.Destination{{
		Name: "state", Handler: access(cfg.State), Concurrency: stateConcurrency, Timeout: cfg.Timeout,
	}}})
	return h, err
}

// HandleEvent passes the event to Next, and at the same time merges what it says about its
// call into the state. If it is responsible for call:finished, the result is an error of
// [events.Hold] until the grace is over, and then call:finished is passed to Next too.
//
// What has succeeded is not repeated for the same [events.Delivery]. The result is a hold
// while something waits, or else the failures, or else nil or [events.ErrDuplicate]. Without
// a Delivery in the context, HandleEvent waits for the grace itself, but at most for half of
// the time until the deadline.
func (h *Handler) HandleEvent(ctx context.Context, e *events.Event) error {
	facts, isCall := calls.FactsOf(e)
	if !isCall {
		return h.next.HandleEvent(ctx, e)
	}
	outer := events.DeliveryOf(ctx)
	if outer == nil {
		return h.newDelivery(nil).handle(ctx, e, &facts)
	}
	return outer.State(h, func() any { return h.newDelivery(outer) }).(*delivery).handle(ctx, e, &facts)
}

func (h *Handler) newDelivery(outer *events.Delivery) *delivery {
	d := &delivery{outer: outer}
	if !h.wanted() {
		d.direct = h.next
		return d
	}
	d.raw.handler = h.next
	d.call.handler = &derivation{handler: h, delivery: d}
	return d
}

func (h *Handler) wanted() bool {
	next, ok := h.next.(interface{ Wants(eventType string) bool })
	return !ok || next.Wants(events.CallFinished)
}

// Concurrency returns how many events a transport must handle at once so that a state that
// is slow takes none of the places that Next needs.
func (h *Handler) Concurrency() int {
	if next, ok := h.next.(interface{ Concurrency() int }); ok {
		return next.Concurrency() + h.state.Concurrency()
	}
	return route.DefaultConcurrency + h.state.Concurrency()
}

// Blocked reports whether no event can be done: Next is blocked, or it wants nothing but
// call:finished and the state is down. See [route.Router.Blocked].
func (h *Handler) Blocked() bool {
	if next, ok := h.next.(interface{ Blocked() bool }); ok && next.Blocked() {
		return true
	}
	next, ok := h.next.(interface{ WantsOnly(eventType string) bool })
	return ok && next.WantsOnly(events.CallFinished) && h.state.Blocked()
}

// StateStats returns whether the state is up, and how many events wait for it.
func (h *Handler) StateStats() route.Stats { return h.state.Stats()[0] }
