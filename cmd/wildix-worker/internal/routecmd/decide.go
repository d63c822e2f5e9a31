package routecmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/eventflag"
	"wildix-worker/cmd/wildix-worker/internal/preview"
	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/events/route"
)

// A report says what each destination does with an event.
type report struct {
	What         string   `json:"event"`
	Type         string   `json:"type"`
	ID           string   `json:"id"`
	Destinations []result `json:"destinations"`
	// Derives has the destinations that may get call:finished, which the worker derives
	// from this event and others of the call.
	Derives []string `json:"mayGetCallFinished,omitempty"`
}

// A result is what one destination does with an event.
type result struct {
	Name string `json:"name"`
	Kind string `json:"type"`
	// Gets is false if there is an Error.
	Gets   bool             `json:"gets"`
	Reason string           `json:"reason,omitempty"` // why it does not get the event, or sends nothing
	Error  string           `json:"error,omitempty"`  // of its condition or its template
	Sends  *preview.Preview `json:"sends,omitempty"`
}

// test decides for each destination as a worker does.
func test(ctx context.Context, destinations []destination.Destination, example eventflag.Example) report {
	e := example.Event
	r := report{What: example.What, Type: e.Type, ID: e.ID}
	_, ofCall := calls.FactsOf(e)
	for _, d := range destinations {
		r.Destinations = append(r.Destinations, decide(ctx, d, e))
		if ofCall && e.Type != events.CallFinished && d.WantsWholeCalls() {
			r.Derives = append(r.Derives, d.Name)
		}
	}
	return r
}

func (r report) anyGets() bool {
	return slices.ContainsFunc(r.Destinations, func(d result) bool { return d.Gets })
}

func decide(ctx context.Context, d destination.Destination, e *events.Event) result {
	r := result{Name: d.Name, Kind: d.Kind}
	selects := route.Destination{On: d.On, When: d.When}
	if !selects.WantsType(e.Type) {
		r.Reason = "its on is " + strings.Join(d.On, ", ")
		return r
	}
	if e.Type == events.CallFinished && !d.WantsWholeCalls() {
		r.Reason = wholeCallReason(d)
		return r
	}
	wants, err := selects.Wants(e) //nolint:contextcheck // a condition takes none, and is bounded
	switch {
	case err != nil:
		r.Error, r.Reason = strings.TrimPrefix(err.Error(), "when: "), "its when is "+d.Condition
	case !wants:
		r.Reason = "its when is false: " + d.Condition
	default:
		r.preview(ctx, d, e)
	}
	return r
}

// wholeCallReason returns why a destination that gets other events does not get call:finished.
func wholeCallReason(d destination.Destination) string {
	if len(d.On) == 0 {
		return "it has no on that names call:finished, and no template that reads call"
	}
	return fmt.Sprintf("its on is %s, and only call:finished in full includes that type", strings.Join(d.On, ", "))
}

// preview adds what the destination sends.
func (r *result) preview(ctx context.Context, d destination.Destination, e *events.Event) {
	sends, err := d.Preview(ctx, e)
	switch {
	case errors.Is(err, events.ErrNoHandler):
		r.Gets, r.Reason = true, "nothing is sent, since there is no output for this event"
	case err != nil:
		r.Error = err.Error()
	default:
		r.Gets, r.Sends = true, &sends
	}
}
