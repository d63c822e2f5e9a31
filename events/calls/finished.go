package calls

import "wildix-worker/events"

// FinishedCall returns the call as the data of call:finished.
func (r *Record) FinishedCall() *events.FinishedCall {
	return &events.FinishedCall{
		Caller: r.Caller.participant(), Callee: r.Callee.participant(),
		Direction: textOf(string(r.Direction)), Destination: textOf(r.Destination), Queue: textOf(r.Queue), Trunk: textOf(r.Trunk),
		Started: events.Timestamp{Time: r.Start}, AnsweredAt: events.Timestamp{Time: r.AnsweredAt}, Ended: events.Timestamp{Time: r.End},
		Duration: r.Duration().Seconds(), Waited: r.Waited().Seconds(),
		Answered: r.Answered, Missed: r.Missed,
		EndCause: textOf(r.EndCause), EndCauseStr: textOf(r.EndCauseStr), EndBy: textOf(r.EndBy),
	}
}

// participant returns nil if nothing is known of the party.
func (p Party) participant() *events.Participant {
	if p == (Party{}) {
		return nil
	}
	return &events.Participant{
		Type: textOf(p.Type), Phone: textOf(p.Phone), Name: textOf(p.Name), Company: textOf(p.Company), Email: textOf(p.Email),
		UserExtension: textOf(p.Extension), GroupName: textOf(p.Group),
	}
}

// textOf returns null for an empty string, which stands for an unknown value.
func textOf(s string) events.Text { return events.Text{Value: s, Valid: s != ""} }
