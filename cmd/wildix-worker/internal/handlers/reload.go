package handlers

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/events/route"
)

// Replace replaces the destinations by those of next, which is not open, while events are
// passed to d. Those whose version is the same are kept. If one of the others can't be opened,
// nothing is replaced. next must not be used any more. Replace must not be called twice at once.
func (d *Destinations) Replace(ctx context.Context, next *Destinations) (*route.Change, error) {
	before := d.current.Load()
	after, err := d.connect(ctx, before, next.handlers)
	if err == nil {
		after.whole, err = d.wholeCallsOf(ctx, after.handlers)
	}
	if err != nil {
		return nil, errors.Join(err, next.Discard())
	}
	if after.whole != nil { // before there are destinations that want call:finished
		d.serve(&serving{handlers: before.handlers, routes: before.routes, whole: after.whole})
	}
	change, err := d.router.Replace(after.routes) //nolint:contextcheck // an event that waits has a context of its own
	if err != nil {
		d.current.Store(before)
		return nil, errors.Join(err, next.Discard())
	}
	d.serve(after)
	d.handlers = after.handlers
	d.retiring.start(change, withNames(before.handlers, change.Kept, false), d.log)
	return change, closeAll(withNames(next.handlers, change.Kept, true))
}

// withNames returns the handlers whose name is among those, or is not.
func withNames(handlers []destination.Destination, names []string, among bool) (matching []destination.Destination) {
	for _, h := range handlers {
		if slices.Contains(names, h.Name) == among {
			matching = append(matching, h)
		}
	}
	return matching
}

// Discard closes destinations that take no events. d may be nil.
func (d *Destinations) Discard() error {
	if d == nil {
		return nil
	}
	return closeAll(d.handlers)
}

func closeAll(handlers []destination.Destination) error {
	var failures []error
	for _, h := range handlers {
		failures = append(failures, closeHandler(h))
	}
	return errors.Join(failures...)
}

// Files returns the files that the configuration file names for the destinations.
func (d *Destinations) Files() (names []string) {
	for _, h := range d.handlers {
		names = append(names, h.Files...)
	}
	return names
}

// retiring closes handlers that were replaced when their last calls have ended.
type retiring struct {
	closing sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
}

func (r *retiring) start(change *route.Change, handlers []destination.Destination, log *zap.Logger) {
	if r.ctx == nil {
		r.ctx, r.cancel = context.WithCancel(context.Background())
	}
	r.closing.Go(func() {
		_ = change.Wait(r.ctx) // otherwise the program ends
		if err := closeAll(handlers); err != nil {
			log.Warn("a destination that was replaced can't be closed", zap.Error(err))
		}
	})
}

// stop closes those that are left.
func (r *retiring) stop() {
	if r.cancel != nil {
		r.cancel()
	}
	r.closing.Wait()
}
