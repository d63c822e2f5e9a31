package calls

import (
	"slices"

	"wildix-worker/events"
)

// Facts are what a set of events says about one call. [Facts.Merge] is commutative,
// associative and idempotent, so the order in which events arrive makes no difference,
// nor do repeats.
//
// Facts can be stored as JSON between two events. The zero Facts are those of no event.
type Facts struct {
	ID      string `json:"id"`
	Company string `json:"company"`
	facts
}

// facts are grouped by the rule that merges two values. Times are Unix
// milliseconds; 0 is unknown. Databases hold the JSON: its names must not change.
type facts struct {
	// The earliest time wins.
	First     int64 `json:"first"`               // any event
	Started   int64 `json:"started,omitzero"`    // call:start
	FlowStart int64 `json:"flow_start,omitzero"` // start of a flow
	Talking   int64 `json:"talking,omitzero"`    // status TALKING, except at an end

	// The latest time wins.
	Last      int64 `json:"last"`               // any event
	Ended     int64 `json:"ended,omitzero"`     // call:end, call:live:completed, call:live:interrupted
	FlowEnd   int64 `json:"flow_end,omitzero"`  // end of a flow
	Completed int64 `json:"completed,omitzero"` // call:completed

	// The greatest value wins.
	Talked bool   `json:"talked,omitzero"` // a status TALKING, or a flow with talk time
	Result result `json:"verdict,omitzero"`

	// The value of the latest event wins.
	PBX         latest `json:"pbx,omitzero"`
	Status      latest `json:"status,omitzero"`
	Caller      latest `json:"caller,omitzero"` // the fields of a Party
	Callee      latest `json:"callee,omitzero"`
	Direction   latest `json:"direction,omitzero"`
	Destination latest `json:"destination,omitzero"`
	Queue       latest `json:"queue,omitzero"`
	Trunk       latest `json:"trunk,omitzero"`
	EndCause    latest `json:"end_cause,omitzero"` // the cause and its text
	EndBy       latest `json:"end_by,omitzero"`
}

// A result is what call:completed says about whether a call was answered.
type result uint8

const (
	noResult result = iota
	missed
	answered // by one of the callees, even if others missed it
)

// A latest is a value, of one or more strings, with the event that it is from:
// the time in Unix milliseconds, and the rank of the type. The zero latest is
// unknown.
type latest struct {
	At      int64    `json:"at"`
	Rank    rank     `json:"rank"`
	Strings []string `json:"is"`
}

func (v latest) IsZero() bool { return v.Strings == nil }

// A rank orders events of the same millisecond.
type rank uint8

func rankOf(eventType string) rank {
	switch eventType {
	case events.CallStart:
		return 0
	case events.CallEnd, events.CallLiveCompleted, events.CallLiveInterrupted:
		return 2
	case events.CallCompleted:
		return 3
	default:
		return 1
	}
}

// Merge returns the facts of both sets of events, which must be about the same
// call.
func (f Facts) Merge(g Facts) Facts {
	return Facts{
		ID:      max(f.ID, g.ID),
		Company: max(f.Company, g.Company),
		facts: facts{
			First:     earliest(f.First, g.First),
			Started:   earliest(f.Started, g.Started),
			FlowStart: earliest(f.FlowStart, g.FlowStart),
			Talking:   earliest(f.Talking, g.Talking),

			Last:      max(f.Last, g.Last),
			Ended:     max(f.Ended, g.Ended),
			FlowEnd:   max(f.FlowEnd, g.FlowEnd),
			Completed: max(f.Completed, g.Completed),

			Talked: f.Talked || g.Talked,
			Result: max(f.Result, g.Result),

			PBX:         later(f.PBX, g.PBX),
			Status:      later(f.Status, g.Status),
			Caller:      later(f.Caller, g.Caller),
			Callee:      later(f.Callee, g.Callee),
			Direction:   later(f.Direction, g.Direction),
			Destination: later(f.Destination, g.Destination),
			Queue:       later(f.Queue, g.Queue),
			Trunk:       later(f.Trunk, g.Trunk),
			EndCause:    later(f.EndCause, g.EndCause),
			EndBy:       later(f.EndBy, g.EndBy),
		},
	}
}

// earliest returns the earlier of two times, or the known one.
func earliest(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// later returns the value of the later event. At the same time and rank the greater
// strings win, so that the result does not depend on the order.
func later(a, b latest) latest {
	if a.before(&b) {
		return b
	}
	return a
}

func (v *latest) before(w *latest) bool {
	switch {
	case v.At != w.At:
		return v.At < w.At
	case v.Rank != w.Rank:
		return v.Rank < w.Rank
	default:
		return slices.Compare(v.Strings, w.Strings) < 0
	}
}
