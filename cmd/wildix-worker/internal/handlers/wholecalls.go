package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/statefile"
	"wildix-worker/events/finish"
	"wildix-worker/events/handlers/store"
	"wildix-worker/events/route"
	"wildix-worker/internal/sqscall"
)

// stateName is how the state is called where destinations are. No destination may have it.
const stateName = "state"

// wholeCalls puts calls together for the destinations that want call:finished.
type wholeCalls struct {
	*finish.Handler
	state *store.State
	url   string
}

// wholeCallsOf returns nil if none of the destinations wants call:finished. The state is
// opened when one does for the first time.
func (d *Destinations) wholeCallsOf(ctx context.Context, handlers []destination.Destination) (*wholeCalls, error) {
	if !wantWholeCalls(handlers) {
		return nil, nil
	}
	if d.whole != nil {
		return d.whole, nil
	}
	if d.stateURL == "" {
		var err error
		if d.stateURL, err = statefile.URL(); err != nil {
			return nil, fmt.Errorf("%s is not set: %w", stateSetting, err)
		}
	}
	state, err := store.NewState(store.StateConfig{URL: d.stateURL, Logger: d.log})
	if err != nil {
		return nil, err
	}
	h, err := finish.New(finish.Config{Next: d.router, State: state, Grace: d.grace, Logger: d.log})
	if err != nil {
		return nil, errors.Join(err, state.Close())
	}
	if err := connectDatabase(ctx, stateName, state.Connect, d.log); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", stateSetting, err), state.Close())
	}
	d.whole = &wholeCalls{h, state, d.stateURL}
	return d.whole, nil
}

// graceOf returns how long call:finished waits for late events of its call; zero is the
// default. On a FIFO queue they wait behind the end until call:finished is handled, and so would
// all other calls of the group: there, waiting would only delay.
func graceOf(queueURL string) time.Duration {
	if sqscall.IsFIFO(queueURL) {
		return time.Nanosecond
	}
	return 0
}

func wantWholeCalls(handlers []destination.Destination) bool {
	return slices.ContainsFunc(handlers, func(h destination.Destination) bool { return h.WantsWholeCalls() })
}

// derives reports whether call:finished is derived.
func (d *Destinations) derives() bool { return d.current.Load().whole != nil }

// HaveHealth reports whether the handlers are destinations, each with its own health: the one
// of Only is not. It must be called after Open, and so must the methods below.
func (d *Destinations) HaveHealth() bool { return d.router != nil }

// Concurrency returns how many events a transport must handle at once.
func (d *Destinations) Concurrency() int {
	if whole := d.current.Load().whole; whole != nil {
		return min(whole.Concurrency(), maxConcurrency)
	}
	return d.router.Concurrency()
}

// Blocked reports whether a transport should receive nothing for the time being.
func (d *Destinations) Blocked() bool {
	if whole := d.current.Load().whole; whole != nil {
		return whole.Blocked()
	}
	return d.router.Blocked()
}

// Stats returns the state of each destination, and that of the state, which events wait for
// in the same way.
func (d *Destinations) Stats() []route.Stats {
	stats := d.router.Stats()
	if whole := d.current.Load().whole; whole != nil {
		stats = append(stats, whole.StateStats())
	}
	return stats
}
