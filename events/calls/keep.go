package calls

import (
	"strings"

	"wildix-worker/events"
)

const (
	// usualSize is more than nearly all events have, in bytes.
	usualSize = 4 << 10
	// maxKept bounds the texts that are kept of larger ones.
	maxKept = 1000
)

// keptFacts are FactsOf an event that are to be kept for longer than it. An event's
// texts are in one piece of memory, up to a MiB, that a short one of them would keep.
func keptFacts(e *events.Event) (Facts, bool) {
	f, ok := FactsOf(e)
	if !ok || len(e.Raw) <= usualSize {
		return f, ok
	}
	f.ID, f.Company = keep(f.ID), keep(f.Company)
	for _, w := range []*word{&f.PBX, &f.Status, &f.Caller, &f.Callee, &f.Direction, &f.Destination, &f.Queue, &f.Trunk, &f.EndCause, &f.EndBy} {
		for i, s := range w.Strings {
			w.Strings[i] = keep(s)
		}
	}
	return f, true
}

func keep(s string) string { return strings.ToValidUTF8(strings.Clone(s[:min(len(s), maxKept)]), "") }
