package replay

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/events"
	"wildix-worker/events/handlers/store"
	"wildix-worker/events/route"
)

// Why events are left out.
const (
	notOn    = "not in its on"
	notWhen  = "its when is false"
	noOutput = "its template has no output"
	skipped  = "--skip"
)

// A selection says which events are read, and which of them are sent.
type selection struct {
	on     []string // of --on; empty for all
	to     destination.Destination
	counts map[string]int // by type, of what is read
	other  map[string]int // by type, of what the destination's on leaves out
	derive bool           // call:finished from the events of each call
}

// newSelection returns what is read of these events.
func newSelection(counts []store.TypeCount, on []string, to destination.Destination, whole bool) *selection {
	s := &selection{on: on, to: to, counts: make(map[string]int), other: make(map[string]int)}
	s.derive = whole && s.asksFor(events.CallFinished) && s.wants(events.CallFinished)
	for _, c := range counts {
		switch {
		case s.asksFor(c.Type) && s.wants(c.Type), s.derive && ends(c.Type):
			s.counts[c.Type] = c.Count
		case s.asksFor(c.Type):
			s.other[c.Type] = c.Count
		}
	}
	return s
}

// asksFor reports whether --on includes a type. As in a destination, call:finished must be
// named in full.
func (s *selection) asksFor(eventType string) bool {
	if len(s.on) > 0 && eventType == events.CallFinished {
		return slices.Contains(s.on, eventType)
	}
	return route.Destination{On: s.on}.WantsType(eventType)
}

// wants reports whether the destination gets a type.
func (s *selection) wants(eventType string) bool {
	if eventType == events.CallFinished && !s.to.WantsWholeCalls() {
		return false
	}
	return route.Destination{On: s.to.On}.WantsType(eventType)
}

// fits reports whether an event is sent. The error is that of the destination's when.
func (s *selection) fits(e *events.Event) (bool, error) {
	return route.Destination{On: s.to.On, When: s.to.When}.Wants(e)
}

// types returns the types to read.
func (s *selection) types() []string { return slices.Sorted(maps.Keys(s.counts)) }

// total returns how many events are read.
func (s *selection) total() int { return sum(s.counts) }

// ends reports whether an event of this type may end a call.
func ends(eventType string) bool {
	switch eventType {
	case events.CallEnd, events.CallLiveCompleted, events.CallLiveInterrupted, events.CallCompleted:
		return true
	}
	return false
}

func sum(counts map[string]int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

// listed returns counts such as "3 call:end, 2 call:start".
func listed(counts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
	}
	return strings.Join(parts, ", ")
}
