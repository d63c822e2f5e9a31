package route

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// A Router is a handler that passes each event to all destinations that want it. Its
// methods are safe for concurrent use.
type Router struct {
	log       *zap.Logger
	replacing sync.Mutex
	set       atomic.Pointer[set]
}

// New returns a Router. Its error has every fault of the configuration, each a
// *[events.FieldError].
func New(cfg Config) (*Router, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	log := cfg.Logger
	if log == nil {
		log = zap.NewNop()
	}
	r := &Router{log: log}
	s := &set{router: r}
	for _, d := range cfg.Destinations {
		s.destinations = append(s.destinations, newDestination(d, log))
	}
	r.set.Store(s)
	return r, nil
}

// HandleEvent calls the handlers of all destinations that want the event and that can be
// called now, concurrently, and waits for those calls.
//
// If a destination can't be called now, the result is an error of [events.Hold], which
// names the destinations. The next call with the same [events.Delivery] calls only those
// that have not succeeded. Otherwise the result is nil if at least one destination has
// handled the event and none has failed, [events.ErrDuplicate] if instead at least one
// returned that, [events.ErrNoHandler] if no destination wants the event, or else the
// failures, which are permanent if all are.
//
// Without a Delivery in the context nothing is kept between calls: the first failure for
// an event is returned, and a hold ends after a second.
func (r *Router) HandleEvent(ctx context.Context, e *events.Event) error {
	d := events.DeliveryOf(ctx)
	if d == nil {
		return new(progress).run(ctx, r.set.Load(), nil, e)
	}
	p := d.State(r, newProgress).(*progress)
	return p.run(ctx, r.set.Load(), d, e)
}

func newProgress() any { return &progress{} }

// Wants reports whether a destination may want events of that type. Its When may refuse
// each of them all the same.
func (r *Router) Wants(eventType string) bool {
	for _, d := range r.set.Load().destinations {
		if d.selects.fitsType(eventType) {
			return true
		}
	}
	return false
}

// WantsOnly reports whether no destination may want an event of another type.
func (r *Router) WantsOnly(eventType string) bool {
	for _, d := range r.set.Load().destinations {
		if len(d.selects.on) == 0 {
			return false
		}
		for _, pattern := range d.selects.on {
			if pattern != eventType {
				return false
			}
		}
	}
	return true
}

// minPlaces is how many events of a destination a transport handles at once, however few of
// them the destination gets at once. It leaves room for probes, and for as many events as one
// receive of SQS brings: with fewer places, a receive brings fewer.
const minPlaces = max(10, maxProbes)

// Concurrency returns how many events a transport must handle at once so that no
// destination takes the places of another: the sum of the destinations' limits, each at
// least ten.
func (r *Router) Concurrency() int {
	sum := 0
	for _, d := range r.set.Load().destinations {
		sum += max(d.limit, minPlaces)
	}
	return sum
}

// Blocked reports whether the transport should receive nothing while it holds as many
// events as it may: no destination can take an event, or most of the held ones wait for a
// place at a destination that is up, and will soon go on. Every few seconds it returns
// false if a destination is down and has no event to be probed with, so that the transport
// receives one.
func (r *Router) Blocked() bool {
	now := time.Now()
	wanted := false
	var queued, waiting int
	for _, d := range r.set.Load().destinations {
		wants := d.wantsEvent(now)
		wanted = wanted || wants
		s := d.stats()
		queued += s.Queued
		waiting += s.Held - s.Queued
	}
	return !wanted || queued > waiting
}

// Stats returns the state of each destination, in the order of the configuration.
func (r *Router) Stats() []Stats {
	destinations := r.set.Load().destinations
	stats := make([]Stats, len(destinations))
	for i, d := range destinations {
		stats[i] = d.stats()
	}
	return stats
}
