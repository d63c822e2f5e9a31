package replay

import (
	"context"
	"errors"
	"iter"

	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/events/finish"
	"wildix-worker/events/handlers/store"
)

// A candidate is an event that may be sent.
type candidate struct {
	event *events.Event
	err   error // the row can't be decoded
	row   store.Place
	// last is set for the last candidate of a row: of an event and the call:finished that is
	// derived at it, the latter.
	last bool
}

// A reading reads candidates from the database.
type reading struct {
	*selection
	reader *store.Reader
	state  *store.Reader // nil if there is none
	query  store.EventQuery
	part   string // key of the first row, if its event is done and its call:finished is not
	rows   int    // that were read
}

// candidates returns the candidates in the order of the events' time. call:finished comes after
// the event that ended the call. After an error there are no more.
func (r *reading) candidates(ctx context.Context) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		for stored, err := range r.reader.Events(ctx, r.query) {
			if err != nil {
				yield(candidate{}, err)
				return
			}
			list, err := r.ofRow(ctx, stored)
			if err != nil {
				yield(candidate{}, err)
				return
			}
			r.rows++
			for _, c := range list {
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

// ofRow returns the candidates of a row, at most two.
func (r *reading) ofRow(ctx context.Context, stored store.StoredEvent) (list []candidate, err error) {
	e, err := stored.Decode()
	if err != nil {
		return []candidate{{err: err, row: stored.Place, last: true}}, nil //nolint:nilerr // counted as a failure of this event
	}
	if r.asksFor(e.Type) && r.wants(e.Type) && stored.Key != r.part {
		list = append(list, candidate{event: e, row: stored.Place})
	}
	if r.derive && ends(e.Type) {
		finished, err := r.finished(ctx, e)
		if err != nil {
			return nil, err
		}
		if finished != nil {
			list = append(list, candidate{event: finished, row: stored.Place})
		}
	}
	if len(list) > 0 {
		list[len(list)-1].last = true
	}
	return list, nil
}

// finished returns the call:finished of a call that this event ended, as it was sent first if
// the state has it. It returns nil if another event of the call is responsible, or if the
// database has call:finished itself.
func (r *reading) finished(ctx context.Context, end *events.Event) (*events.Event, error) {
	facts, isCall := calls.FactsOf(end)
	if !isCall {
		return nil, nil
	}
	stored := false
	d, err := finish.Derive(func(yield func(*events.Event, error) bool) {
		for e, err := range r.reader.EventsOfCall(ctx, facts.Key(), end.ID) {
			stored = stored || err == nil && e.Type == events.CallFinished
			if !yield(e, err) {
				return
			}
		}
	})
	switch {
	case errors.Is(err, finish.ErrNotEnded):
		return nil, nil
	case err != nil:
		return nil, err
	case stored || d.End.DeliveryKey() != end.DeliveryKey():
		return nil, nil
	case r.state == nil:
		return d.Finished, nil
	}
	kept, err := r.state.Finished(ctx, facts.Key())
	if err != nil || kept == nil {
		return d.Finished, err
	}
	return events.Decode(kept)
}
