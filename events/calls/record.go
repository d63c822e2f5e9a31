package calls

import "time"

// A Record describes one call, as far as its events are known. Unknown fields are zero.
// Texts are cut to [MaxText].
type Record struct {
	ID      string
	Company string
	PBX     string

	// Start is the time of call:start, or else the start of the earliest flow, or
	// else the time of the earliest event.
	Start time.Time
	// AnsweredAt is the time of the earliest event with the status TALKING. It is
	// zero if there is none, even if Answered is true.
	AnsweredAt time.Time
	// End is the time of call:end, call:live:completed or call:live:interrupted, or
	// else the end of the latest flow, or else the time of call:completed. It is
	// zero while the call is live.
	End time.Time
	// Last is the time of the latest event.
	Last time.Time

	Caller, Callee Party
	Direction      Direction
	Destination    string // the number that was dialled
	Queue          string
	Trunk          string
	Status         string // the latest, such as RINGING

	EndCause    string // a Q.850 cause, such as "16"
	EndCauseStr string // such as "Normal Clearing"
	EndBy       string // such as CALLER

	// Answered reports whether the call was answered. call:completed decides: true if
	// one of its flows has the call status COMPLETED, or talk time and another status
	// than MISSED; otherwise false if one is MISSED. Without such a flow, or without
	// call:completed, it is true if an event had the status TALKING or a flow with talk
	// time. A machine that answers, such as voice mail, counts, unless call:completed
	// says MISSED.
	//
	// EndCause is not considered: a caller who hangs up while the phone rings also ends
	// the call with 16, Normal Clearing.
	Answered bool
	// Missed reports whether a call that is not outbound has ended unanswered: because
	// it was not taken, it was rejected, or the caller hung up.
	Missed bool
}

// A Party is one side of a call.
type Party struct {
	Type      string // LOCAL (an extension of the PBX) or REMOTE
	Phone     string
	Name      string
	Company   string
	Email     string
	Extension string
	Group     string
}

// A Direction is where a call goes, as seen from the PBX. It is empty if unknown.
type Direction string

const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
	Internal Direction = "internal"
)

// Duration returns the time from start to end, or 0 while the call is live.
func (r *Record) Duration() time.Duration { return between(r.Start, r.End) }

// Waited returns the time from the start until the call was answered, or until
// its end if it was not. It is 0 while the call rings, and if it is unknown.
func (r *Record) Waited() time.Duration {
	if r.Answered {
		return between(r.Start, r.AnsweredAt)
	}
	return r.Duration()
}

func between(from, to time.Time) time.Duration {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return max(to.Sub(from), 0)
}

// Record returns the call that the facts describe.
func (f Facts) Record() Record {
	r := Record{
		ID: f.ID, Company: f.Company, PBX: f.PBX.first(),
		Start: firstKnown(f.Started, f.FlowStart, f.First),
		Last:  firstKnown(f.Last),

		Caller: f.Caller.party(), Callee: f.Callee.party(),
		Destination: f.Destination.first(), Queue: f.Queue.first(), Trunk: f.Trunk.first(), Status: f.Status.first(),
		EndBy: f.EndBy.first(),
	}
	if f.HasEnded() {
		r.End = firstKnown(f.Ended, f.FlowEnd, f.Completed)
	}
	f.EndCause.copyTo(&r.EndCause, &r.EndCauseStr)
	r.Direction = f.direction(&r)
	r.Answered = f.Result == answered || f.Result == noResult && f.Talked
	if r.Answered {
		r.AnsweredAt = firstKnown(f.Talking)
	}
	r.Missed = f.HasEnded() && !r.Answered && r.Direction != Outbound
	return r
}

// HasEnded reports whether the call has ended. Merging more facts does not change
// it back.
func (f Facts) HasEnded() bool { return f.Ended != 0 || f.Completed != 0 }

// direction returns the direction that an event names, or else the one that
// follows from the parties.
func (f Facts) direction(r *Record) Direction {
	if !f.Direction.IsZero() {
		return Direction(f.Direction.first())
	}
	return directionOfParties(r.Caller.Type, r.Callee.Type, r.Trunk)
}

// firstKnown returns the first of the times that is not 0, or the zero time.
func firstKnown(millis ...int64) time.Time {
	for _, m := range millis {
		if m != 0 {
			return time.UnixMilli(m).UTC()
		}
	}
	return time.Time{}
}

// copyTo copies the strings. A value that another version stored may have fewer.
func (v latest) copyTo(targets ...*string) {
	for i, target := range targets {
		if i < len(v.Strings) {
			*target = v.Strings[i]
		}
	}
}

func (v latest) first() (s string) {
	v.copyTo(&s)
	return s
}

func (v latest) party() (p Party) {
	v.copyTo(&p.Type, &p.Phone, &p.Name, &p.Company, &p.Email, &p.Extension, &p.Group)
	return p
}
