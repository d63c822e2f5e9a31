package calls

import (
	"strings"

	"wildix-worker/events"
)

const (
	// usualSize is more than nearly all events have, in bytes.
	usualSize = 4 << 10
	// maxText is how many bytes of a text are kept of a larger event.
	maxText = 1000
)

// retainableFacts returns FactsOf an event with copied texts, so that they may be kept
// longer than the event. All texts of an event share one piece of memory, up to 1 MiB,
// which a single short text would keep alive.
func retainableFacts(e *events.Event) (Facts, bool) {
	f, ok := FactsOf(e)
	if !ok || len(e.Raw) <= usualSize {
		return f, ok
	}
	f.ID, f.Company = cloneText(f.ID), cloneText(f.Company)
	for _, v := range []*latest{&f.PBX, &f.Status, &f.Caller, &f.Callee, &f.Direction, &f.Destination, &f.Queue, &f.Trunk, &f.EndCause, &f.EndBy} {
		for i, s := range v.Strings {
			v.Strings[i] = cloneText(s)
		}
	}
	return f, true
}

func cloneText(s string) string {
	return strings.ToValidUTF8(strings.Clone(s[:min(len(s), maxText)]), "")
}
