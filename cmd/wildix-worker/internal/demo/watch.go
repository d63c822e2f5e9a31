package demo

import (
	"context"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/route"
)

const (
	// lookInterval is the time between two looks at the states of the destinations.
	lookInterval = 50 * time.Millisecond
	// outageLines is the time between two lines about an outage that goes on.
	outageLines = time.Second
)

// A record is what became of the events of a destination.
type record struct {
	name       string
	deliveries *deliveries
	maxHeld    int
	down       time.Duration // of outages that are over
	since      time.Time     // of the outage; zero while there is none
	held       int           // when last looked at in the outage
	printed    time.Time     // the last line about the outage
}

// watch records and prints outages until ctx ends.
func (d *destinations) watch(ctx context.Context) {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		for i, s := range d.Stats() {
			d.records[i].look(d.screen, s, time.Now())
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	for _, r := range d.records {
		r.end(time.Now())
	}
}

// look records the state of the destination, and prints what is new about an outage.
func (r *record) look(s *screen, stats route.Stats, now time.Time) {
	r.maxHeld = max(r.maxHeld, stats.Held)
	what := stats.State.String()
	if stats.Failing() {
		what = "failing"
	}
	if what == route.Up.String() {
		if !r.since.IsZero() {
			s.outage(term.Green, r.name, "is up, delivers "+term.Plural(r.held, "held event"), "after "+seconds(now.Sub(r.since)))
			r.end(now)
		}
		return
	}
	if r.since.IsZero() {
		r.since = now
	}
	r.held = stats.Held
	if now.Sub(r.printed) >= outageLines {
		r.printed = now
		s.outage(term.Red, r.name, "is "+what, term.Plural(r.held, "event")+" held")
	}
}

func seconds(d time.Duration) string { return term.Duration(d.Round(time.Second)) }

// end ends the outage, if there is one.
func (r *record) end(now time.Time) {
	if !r.since.IsZero() {
		r.down += now.Sub(r.since)
		r.since = time.Time{}
	}
}
