package handlers

import (
	"context"
	"errors"
	"slices"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/events/calls"
	"wildix-worker/events/handlers/store"
)

// MissedCalls returns a function that returns inbound calls which were missed: the latest since
// a time, as many as the limit, the latest first. It reads the state or, if there is none, the
// first database that is a destination. It is nil if there is neither. It must be called after
// Open.
func (d *Destinations) MissedCalls() func(ctx context.Context, since time.Time, limit int) ([]calls.Record, error) {
	if d.missedCalls() == nil {
		return nil
	}
	return func(ctx context.Context, since time.Time, limit int) ([]calls.Record, error) {
		read := d.missedCalls()
		if read == nil { // replaced meanwhile
			return nil, nil
		}
		return read(ctx, since, limit)
	}
}

func (d *Destinations) missedCalls() func(ctx context.Context, since time.Time, limit int) ([]calls.Record, error) {
	current := d.current.Load()
	if current.whole != nil {
		return missedOfState(current.whole.url)
	}
	i := slices.IndexFunc(current.handlers, func(h destination.Destination) bool { return h.Database != "" })
	if i < 0 {
		return nil
	}
	cfg := store.Config{URL: current.handlers[i].Database}
	return func(ctx context.Context, since time.Time, limit int) ([]calls.Record, error) {
		return store.MissedCalls(ctx, cfg, since, limit)
	}
}

func missedOfState(url string) func(ctx context.Context, since time.Time, limit int) ([]calls.Record, error) {
	return func(ctx context.Context, since time.Time, limit int) (missed []calls.Record, err error) {
		r, err := store.OpenReader(url)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, r.Close()) }()
		return r.MissedCalls(ctx, since, limit)
	}
}
