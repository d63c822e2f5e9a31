package handlers

import (
	"context"
	"fmt"

	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/statefile"
	"wildix-worker/events/handlers/store"
)

// ToCheck returns the destinations and, if one of them wants whole calls, the state, which
// events wait for in the same way. They must not be open. right is false if settings of theirs
// are wrong.
func (d *Destinations) ToCheck() (all []destination.Destination, right bool) {
	if !d.right {
		return nil, false
	}
	all = d.All()
	if wantWholeCalls(all) {
		all = append(all, d.stateToCheck())
	}
	return all, true
}

func (d *Destinations) stateToCheck() destination.Destination {
	state := destination.Destination{Name: stateName, Kind: stateName}
	url, exists := d.stateURL, true
	if url == "" {
		var err error
		url, exists, err = statefile.Look()
		if err != nil {
			state.Check = func(context.Context) error { return fmt.Errorf("%s is not set: %w", stateSetting, err) }
			return state
		}
	}
	s, err := store.NewState(store.StateConfig{URL: url, Logger: d.log})
	if err != nil {
		state.Check = func(context.Context) error { return err }
		return state
	}
	state.Target, state.Close = s.Target(), s.Close
	if exists { // otherwise the folder is created with the file
		state.Check = s.Check
	}
	return state
}
