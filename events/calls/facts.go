package calls

import (
	"cmp"
	"slices"

	"wildix-worker/events"
)

// Facts are what a set of events says of one call. They depend on the set
// alone: Merge is commutative, associative and idempotent, so that neither the
// order in which events arrive nor their repetition makes a difference. The
// zero Facts are those of no event.
//
// They can be written as JSON and read again, for whoever keeps them between
// two events. [Facts.Record] says what they come to.
type Facts struct {
	ID      string `json:"id"`
	Company string `json:"company"`
	facts
}

// facts are grouped by what becomes of two that differ. Times are Unix
// milliseconds, 0 for none.
type facts struct {
	// The earliest counts.
	First     int64 `json:"first"`               // event
	Started   int64 `json:"started,omitzero"`    // call:start
	FlowStart int64 `json:"flow_start,omitzero"` // start of a flow
	Talking   int64 `json:"talking,omitzero"`    // event that is no end, with the status TALKING

	// The latest counts.
	Last      int64 `json:"last"`               // event
	Ended     int64 `json:"ended,omitzero"`     // end
	FlowEnd   int64 `json:"flow_end,omitzero"`  // end of a flow
	Completed int64 `json:"completed,omitzero"` // call:completed

	// The strongest counts.
	Talked  bool    `json:"talked,omitzero"` // somebody was heard to talk
	Verdict verdict `json:"verdict,omitzero"`

	// The latest word counts.
	PBX         word `json:"pbx,omitzero"`
	Status      word `json:"status,omitzero"`
	Caller      word `json:"caller,omitzero"` // as in Party
	Callee      word `json:"callee,omitzero"`
	Direction   word `json:"direction,omitzero"`
	Destination word `json:"destination,omitzero"`
	Queue       word `json:"queue,omitzero"`
	Trunk       word `json:"trunk,omitzero"`
	EndCause    word `json:"end_cause,omitzero"` // with its text
	EndBy       word `json:"end_by,omitzero"`
}

// A verdict is what call:completed says of whether the call was answered.
type verdict uint8

const (
	noVerdict verdict = iota
	missed
	answered // by one of those who were called, though perhaps missed by others
)

// A word is what an event says about one thing; things that belong together
// are one word. No event says it if the strings are nil.
type word struct {
	At      int64    `json:"at"`
	Rank    rank     `json:"rank"`
	Strings []string `json:"is"`
}

func (w word) IsZero() bool { return w.Strings == nil }

// A rank orders events of one millisecond.
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

// Merge returns what both say, which must be of the same call.
func (f Facts) Merge(g Facts) Facts {
	return Facts{
		ID:      max(f.ID, g.ID),
		Company: max(f.Company, g.Company),
		facts: facts{
			First:     earliestOf(f.First, g.First),
			Started:   earliestOf(f.Started, g.Started),
			FlowStart: earliestOf(f.FlowStart, g.FlowStart),
			Talking:   earliestOf(f.Talking, g.Talking),

			Last:      max(f.Last, g.Last),
			Ended:     max(f.Ended, g.Ended),
			FlowEnd:   max(f.FlowEnd, g.FlowEnd),
			Completed: max(f.Completed, g.Completed),

			Talked:  f.Talked || g.Talked,
			Verdict: max(f.Verdict, g.Verdict),

			PBX:         lastWord(f.PBX, g.PBX),
			Status:      lastWord(f.Status, g.Status),
			Caller:      lastWord(f.Caller, g.Caller),
			Callee:      lastWord(f.Callee, g.Callee),
			Direction:   lastWord(f.Direction, g.Direction),
			Destination: lastWord(f.Destination, g.Destination),
			Queue:       lastWord(f.Queue, g.Queue),
			Trunk:       lastWord(f.Trunk, g.Trunk),
			EndCause:    lastWord(f.EndCause, g.EndCause),
			EndBy:       lastWord(f.EndBy, g.EndBy),
		},
	}
}

// earliestOf is the smaller one, but any time goes before none.
func earliestOf(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// lastWord is the later one. Of two at the same time the one from the later
// kind of event counts, and then the greater one: it does not matter which, but
// it has to be the same one always.
func lastWord(a, b word) word {
	order := cmp.Or(
		cmp.Compare(a.At, b.At),
		cmp.Compare(a.Rank, b.Rank),
		slices.Compare(a.Strings, b.Strings),
	)
	if order < 0 {
		return b
	}
	return a
}
