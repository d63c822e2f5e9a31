package events

// A FinishedCall is the data of call:finished: the whole call, put together from its
// events. No PBX sends it: package [wildix-worker/events/finish] derives it.
type FinishedCall struct {
	// Caller and Callee are nil if they are unknown. Of their fields, Type, Phone, Name,
	// Company, Email, UserExtension and GroupName are known.
	Caller *Participant `json:"caller"`
	Callee *Participant `json:"callee"`
	// Direction is inbound, outbound or internal, and null if it is unknown.
	Direction Text `json:"direction"`
	// Destination is the dialled number.
	Destination Text `json:"destination"`
	Queue       Text `json:"queue"`
	Trunk       Text `json:"trunk"`

	// Started and Ended are when the call began and ended. AnsweredAt is when it was
	// answered. It is zero if that is unknown, even if Answered is true.
	Started    Timestamp `json:"started"`
	AnsweredAt Timestamp `json:"answeredAt"`
	Ended      Timestamp `json:"ended"`
	// Duration is the time from start to end, and Waited the time until the call was
	// answered, or until its end if it was not. Both are in seconds.
	Duration float64 `json:"duration"`
	Waited   float64 `json:"waited"`

	// Answered reports whether somebody answered, and Missed whether nobody answered a
	// call that is not outbound.
	Answered bool `json:"answered"`
	Missed   bool `json:"missed"`

	// EndCause is a Q.850 cause, such as "16", EndCauseStr its text, and EndBy the side
	// that ended the call, such as CALLER.
	EndCause    Text `json:"endCause"`
	EndCauseStr Text `json:"endCauseStr"`
	EndBy       Text `json:"endBy"`
}

func (d *decoder) readFinishedCallField(c *FinishedCall, name []byte) bool {
	switch string(name) {
	case "caller":
		d.readParticipant(&c.Caller)
	case "callee":
		d.readParticipant(&c.Callee)
	case "started":
		d.readTimestamp(&c.Started)
	case "answeredAt":
		d.readTimestamp(&c.AnsweredAt)
	case "ended":
		d.readTimestamp(&c.Ended)
	case "duration":
		d.readNumber(&c.Duration)
	case "waited":
		d.readNumber(&c.Waited)
	case "answered":
		d.readBool(&c.Answered)
	case "missed":
		d.readBool(&c.Missed)
	default:
		return d.readText(c.text(name))
	}
	return true
}

// text returns the Text field of that JSON name, or nil.
func (c *FinishedCall) text(name []byte) *Text {
	switch string(name) {
	case "direction":
		return &c.Direction
	case "destination":
		return &c.Destination
	case "queue":
		return &c.Queue
	case "trunk":
		return &c.Trunk
	case "endCause":
		return &c.EndCause
	case "endCauseStr":
		return &c.EndCauseStr
	case "endBy":
		return &c.EndBy
	default:
		return nil
	}
}

// readBool reads true or false, and skips anything else.
func (d *decoder) readBool(b *bool) {
	c := d.Peek()
	if d.Skip(); c == 't' || c == 'f' {
		*b = c == 't'
	}
}
