package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/events"
	"wildix-worker/events/handlers/store"
	"wildix-worker/events/route"
)

// A source is the database that events are read from.
type source struct {
	name string // for people, since the URL may be secret
	url  string
	// whole is whether the database has all events of a call, from which call:finished can be
	// derived.
	whole bool
}

// source returns the database to read, and adds what is wrong with the choice.
func (cmd *Command) source(all []destination.Destination, to destination.Destination, faults *config.Faults) source {
	chosen, err := cmd.choose(all, to)
	if chosen.url == "" && err == nil {
		chosen = source{"the database of --store-url", cmd.StoreURL, true}
		before := faults.Len()
		cmd.StoreConfig(&cmd.File, faults)
		if faults.Len() > before {
			return chosen
		}
	}
	if err == nil && to.Database != "" && store.SameDatabase(chosen.url, to.Database) {
		err = errors.New("is the database that the events are read from")
		faults.Add("--to", err)
		return chosen
	}
	faults.Add("--from", err)
	return chosen
}

// choose returns the database destination to read, or none if it is that of --store-url.
func (cmd *Command) choose(all []destination.Destination, to destination.Destination) (source, error) {
	var found []destination.Destination
	var names []string
	for _, d := range all {
		if d.Database == "" {
			continue
		}
		if d.Name == cmd.From {
			return sourceOf(d), nil
		}
		if d.Name != to.Name {
			found = append(found, d)
		}
		names = append(names, d.Name)
	}
	have := strings.Join(slices.Sorted(slices.Values(names)), ", ")
	switch {
	case cmd.From != "" && len(names) == 0:
		return source{}, fmt.Errorf("there is no database %q: no destination is of type database", cmd.From)
	case cmd.From != "":
		return source{}, fmt.Errorf("there is no database %q (have %s)", cmd.From, have)
	case cmd.StoreURL != "":
		return source{}, nil
	case len(found) == 1:
		return sourceOf(found[0]), nil
	case len(found) > 1:
		return source{}, fmt.Errorf("there are several databases, choose one (%s)", have)
	case to.Database != "":
		return sourceOf(to), nil // which is refused
	default:
		return source{}, errors.New("no database to read: set WILDIX_STORE_URL, or write a destination of type database")
	}
}

func sourceOf(d destination.Destination) source {
	return source{"database " + d.Name, d.Database, getsWholeCalls(d)}
}

// callTypes are the types of events that a call is put together from.
var callTypes = []string{
	events.CallStart, events.CallUpdate, events.CallEnd, events.CallCompleted,
	events.CallLiveProgress, events.CallLiveCompleted, events.CallLiveInterrupted, events.CallLiveTranscription,
}

// getsWholeCalls reports whether a database gets all events of each call.
func getsWholeCalls(d destination.Destination) bool {
	selects := route.Destination{On: d.On}
	return d.When == nil && !slices.ContainsFunc(callTypes, func(t string) bool { return !selects.WantsType(t) })
}
