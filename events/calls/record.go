package calls

import "time"

// A Record is one call as its events tell it. What they do not tell is
// zero.
type Record struct {
	ID      string
	Company string
	PBX     string

	// Start is the time of call:start; if that is not known, the start of the
	// earliest flow, or else the earliest event.
	Start time.Time
	// AnsweredAt is when the earliest event with the status TALKING was sent.
	// It is zero if none was seen, also on a call that was answered.
	AnsweredAt time.Time
	// End is the time of call:end, call:live:completed or call:live:interrupted;
	// if there was none, the end of the latest flow or the time of call:completed.
	// It is zero while the call goes on.
	End time.Time
	// Last is the time of the latest event.
	Last time.Time

	Caller, Callee Party
	Direction      Direction
	Destination    string // the number that was dialled
	Queue          string
	Trunk          string
	Status         string // the last one, such as RINGING

	EndCause    string // as Q.850 counts, such as "16"
	EndCauseStr string // such as "Normal Clearing"
	EndBy       string // such as CALLER

	// Answered is what call:completed says: yes if one of its flows is
	// COMPLETED, or has talk time and does not say, no if one is MISSED. If it
	// says neither, or was not seen, a call is answered if an event had the
	// status TALKING or a flow with talk time. A machine that answers counts,
	// unless call:completed says otherwise.
	//
	// The cause of the end plays no part: 16, Normal Clearing, is also that of a
	// caller who gives up while it rings.
	Answered bool
	// Missed is a call that has ended unanswered and did not go outside: one
	// that nobody took or that was rejected, and one whose caller gave up.
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

// A Direction is where a call goes, seen from the PBX.
type Direction string

const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
	Internal Direction = "internal"
)

// Duration is the time from start to end, and 0 while the call goes on.
func (r *Record) Duration() time.Duration { return between(r.Start, r.End) }

// Waited is the time from the start until the call was answered, or until its
// end if it was not. It is 0 while it rings, and if it is not known.
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

// Record is what the facts come to.
func (f Facts) Record() Record {
	r := Record{
		ID: f.ID, Company: f.Company, PBX: f.PBX.first(),
		Start: firstTime(f.Started, f.FlowStart, f.First),
		Last:  firstTime(f.Last),

		Caller: f.Caller.party(), Callee: f.Callee.party(),
		Destination: f.Destination.first(), Queue: f.Queue.first(), Trunk: f.Trunk.first(), Status: f.Status.first(),
		EndBy: f.EndBy.first(),
	}
	if f.HasEnded() {
		r.End = firstTime(f.Ended, f.FlowEnd, f.Completed)
	}
	f.EndCause.read(&r.EndCause, &r.EndCauseStr)
	r.Direction = f.direction(&r)
	r.Answered = f.Verdict == answered || f.Verdict == noVerdict && f.Talked
	if r.Answered {
		r.AnsweredAt = firstTime(f.Talking)
	}
	r.Missed = f.HasEnded() && !r.Answered && r.Direction != Outbound
	return r
}

// HasEnded reports whether one of the events is the call's end. No event that
// comes later changes that.
func (f Facts) HasEnded() bool { return f.Ended != 0 || f.Completed != 0 }

// direction is what an event says, or what follows from the parties: a call of
// one's own that took a trunk went outside, even if nobody was reached.
func (f Facts) direction(r *Record) Direction {
	const local, remote = "LOCAL", "REMOTE"
	switch {
	case !f.Direction.IsZero():
		return Direction(f.Direction.first())
	case r.Caller.Type == remote:
		return Inbound
	case r.Caller.Type == local && (r.Callee.Type == remote || r.Callee.Type == "" && r.Trunk != ""):
		return Outbound
	case r.Caller.Type == local && r.Callee.Type == local:
		return Internal
	default:
		return ""
	}
}

// firstTime is the first of the times that is known, or the zero time.
func firstTime(millis ...int64) time.Time {
	for _, m := range millis {
		if m != 0 {
			return time.UnixMilli(m).UTC()
		}
	}
	return time.Time{}
}

// read sets what the word says. One that was kept by another version may have
// fewer strings.
func (w word) read(into ...*string) {
	for i, s := range w.Strings[:min(len(w.Strings), len(into))] {
		*into[i] = s
	}
}

func (w word) first() (s string) {
	w.read(&s)
	return s
}

func (w word) party() (p Party) {
	w.read(&p.Type, &p.Phone, &p.Name, &p.Company, &p.Email, &p.Extension, &p.Group)
	return p
}
