package route

import (
	"context"
	"fmt"
)

// A Change is what [Router.Replace] has changed.
type Change struct {
	// Added, Changed, Removed and Kept are the names of the destinations, in the order of
	// the configuration, or of the old one for Removed.
	Added, Changed, Removed, Kept []string

	retired []*destination
}

// Replace replaces the destinations while the Router is in use, or returns an error that has
// every fault of them. One with the name and Version of an old one is that old one: its
// state, and the events that wait for it, are not touched, and its new Handler is not used.
// The other old ones are retired: no further call of their handlers begins, and those that
// are running end as they would. See the package documentation for what becomes of the
// events.
func (r *Router) Replace(destinations []Destination) (*Change, error) {
	if err := (Config{Destinations: destinations}).validate(); err != nil {
		return nil, err
	}
	r.replacing.Lock()
	defer r.replacing.Unlock()
	before, after, change := r.set.Load(), &set{router: r}, &Change{}
	for _, d := range destinations {
		old := before.named(d.Name)
		switch {
		case old == nil:
			change.Added = append(change.Added, d.Name)
		case old.version == d.Version:
			change.Kept = append(change.Kept, d.Name)
			after.destinations = append(after.destinations, old)
			continue
		default:
			change.Changed = append(change.Changed, d.Name)
		}
		after.destinations = append(after.destinations, newDestination(d, r.log))
	}
	r.set.Store(after) // before the events that wait are woken, which go on with it
	for _, old := range before.destinations {
		now := after.named(old.name)
		if now == old {
			continue
		}
		if now == nil {
			change.Removed = append(change.Removed, old.name)
		}
		old.retire()
		change.retired = append(change.retired, old)
	}
	return change, nil
}

// Wait waits until the last call of the handlers that were removed or changed has ended, so
// that they can be closed. If ctx ends first, it returns an error.
func (c *Change) Wait(ctx context.Context) error {
	for _, d := range c.retired {
		select {
		case <-d.idle:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", d.name, context.Cause(ctx))
		}
	}
	return nil
}
