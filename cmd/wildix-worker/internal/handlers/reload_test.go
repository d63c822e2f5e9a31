package handlers

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/consumer/metrics"
	"wildix-worker/events"
)

// A door is a destination that counts how often it was opened and closed.
type door struct {
	opened, closed int
	err            error // of opening
}

func (d *door) destination(name, version string, on ...string) destination.Destination {
	return destination.Destination{
		Name: name, Version: version, On: on,
		Handler: events.HandlerFunc(func(context.Context, *events.Event) error { return nil }),
		Connect: func(context.Context) error { d.opened++; return d.err },
		Close:   func() error { d.closed++; return nil },
	}
}

func (d *door) want(t *testing.T, name string, opened, closed int) {
	t.Helper()
	if d.opened != opened || d.closed != closed {
		t.Errorf("%s: opened %d times, closed %d times, want %d, %d", name, d.opened, d.closed, opened, closed)
	}
}

func destinations(of ...destination.Destination) *Destinations {
	return &Destinations{log: zap.NewNop(), dedup: &dedup{log: zap.NewNop()}, handlers: of}
}

// opened returns open destinations.
func opened(t *testing.T, of ...destination.Destination) *Destinations {
	t.Helper()
	t.Setenv("STATE_DIRECTORY", t.TempDir())
	d := destinations(of...)
	if err := d.Open(t.Context(), Limits{}, metrics.New(prometheus.NewRegistry()), ""); err != nil {
		t.Fatal(err)
	}
	return d
}

func replaced(t *testing.T, d *Destinations, by ...destination.Destination) {
	t.Helper()
	if _, err := d.Replace(t.Context(), destinations(by...)); err != nil {
		t.Fatal(err)
	}
	d.retiring.closing.Wait()
}

func (d *Destinations) names() (names []string) {
	for _, s := range d.Stats() {
		names = append(names, s.Name)
	}
	return names
}

// What is kept stays open, what has changed or is gone is closed once, and so is what was
// built in vain.
func TestReplaceOpensAndClosesOnlyWhatHasChanged(t *testing.T) {
	var kept, again, old, changed, gone, added door
	d := opened(t, kept.destination("kept", "1"), old.destination("changed", "1"), gone.destination("gone", "1"))
	replaced(t, d, again.destination("kept", "1"), changed.destination("changed", "2"), added.destination("added", "1"))
	check := func(stillOpen int) {
		t.Helper()
		kept.want(t, "kept", 1, stillOpen)
		again.want(t, "the kept one, built again", 0, 1)
		old.want(t, "the old one", 1, 1)
		changed.want(t, "the changed one", 1, stillOpen)
		gone.want(t, "the removed one", 1, 1)
		added.want(t, "the new one", 1, stillOpen)
	}
	check(0)
	replaced(t, d, kept.destination("kept", "1"), changed.destination("changed", "2"), added.destination("added", "1"))
	kept.want(t, "kept twice", 1, 1) // the one that was built again
	kept.closed, changed.closed, added.closed = 0, 0, 0
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	check(1)
}

// If one can't be opened, all that are new are closed, and the old ones go on.
func TestReplaceChangesNothingIfOneCannotBeOpened(t *testing.T) {
	var old, fine, broken door
	d := opened(t, old.destination("crm", "1"))
	broken.err = errors.New("no such table")
	_, err := d.Replace(t.Context(), destinations(fine.destination("crm", "2"), broken.destination("archive", "1")))
	if !errors.Is(err, broken.err) {
		t.Errorf("got %v", err)
	}
	old.want(t, "the old one", 1, 0)
	fine.want(t, "the changed one", 1, 1)
	broken.want(t, "the new one", 1, 1)
	if names := d.names(); !slices.Equal(names, []string{"crm"}) {
		t.Errorf("%q", names)
	}
	if err := d.HandleEvent(t.Context(), &events.Event{ID: "1", Type: events.CallEnd, Raw: []byte("{}")}); err != nil {
		t.Error(err)
	}
}

// Whole calls are put together while a destination wants them.
func TestReplaceFollowsWholeCalls(t *testing.T) {
	var crm, missed door
	d := opened(t, crm.destination("crm", "1"))
	t.Cleanup(func() { d.Close() })
	if d.MissedCalls() != nil || d.derives() {
		t.Error("there is a state")
	}
	before := d.Concurrency()
	replaced(t, d, crm.destination("crm", "1"), missed.destination("missed", "1", events.CallFinished))
	if names := d.names(); !slices.Equal(names, []string{"crm", "missed", stateName}) || !d.derives() {
		t.Errorf("%q, derives %v", names, d.derives())
	}
	if d.Concurrency() <= before || d.MissedCalls() == nil {
		t.Errorf("concurrency %d, before %d", d.Concurrency(), before)
	}
	replaced(t, d, crm.destination("crm", "1"))
	if names := d.names(); !slices.Equal(names, []string{"crm"}) || d.derives() || d.Concurrency() != before {
		t.Errorf("%q, derives %v, concurrency %d, before %d", names, d.derives(), d.Concurrency(), before)
	}
}
