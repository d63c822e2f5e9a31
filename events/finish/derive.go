package finish

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// ErrNotEnded is the error of [Derive] for a call without an event that ends it.
var ErrNotEnded = errors.New("the call has not ended")

// A Derived is a call:finished that was derived from events that were kept.
type Derived struct {
	// End is the event that is responsible for it: the first one that ends the call.
	End *events.Event
	// Finished is call:finished.
	Finished *events.Event
}

// Derive derives call:finished from the events of one call, which must come in the order of
// their time, when no [State] has it. It is what a [Handler] derives, with the same delivery
// key, if that had the same events: it takes the first event that ends the call, and what
// happened up to DefaultGrace after it. An event that was more than the grace late when the
// Handler derived it makes a difference.
//
// It reads no further than it needs, and returns the first error of the events.
func Derive(ordered iter.Seq2[*events.Event, error]) (Derived, error) {
	var d Derived
	var facts calls.Facts
	var until time.Time
	for e, err := range ordered {
		if err != nil {
			return Derived{}, err
		}
		added, isCall := calls.FactsOf(e)
		if !isCall {
			continue
		}
		if d.End != nil && e.Time.After(until) {
			break
		}
		facts = facts.Merge(added)
		if d.End == nil && added.HasEnded() {
			d.End, until = e, e.Time.Add(DefaultGrace)
		}
	}
	if d.End == nil {
		return Derived{}, ErrNotEnded
	}
	var err error
	if d.Finished, err = events.Decode(encode(facts, d.End)); err != nil {
		return Derived{}, fmt.Errorf("call:finished: %w", err)
	}
	return d, nil
}
