package events

// A LiveCall is the data of the call:live events, which newer PBXs send. What
// else these hold, such as the words of a transcription, is in Raw.
type LiveCall struct {
	Call
	// ID is the call's id, where the data has one of its own.
	ID Text `json:"id"`
	// Direction is INBOUND, OUTBOUND or INTERNAL.
	Direction Text  `json:"direction"`
	Flows     Flows `json:"flows"`
}

// A CompletedCall is the data of call:completed: the PBX's own account of a
// call, some time after its end.
type CompletedCall struct {
	ID          Text      `json:"id"`
	PBX         Text      `json:"pbx"`
	Time        Timestamp `json:"time"`
	Company     Text      `json:"company"`
	Licenses    []string  `json:"licenses"`
	Type        Text      `json:"type"`
	Flows       Flows     `json:"flows"`
	EndCause    Text      `json:"endCause"`
	EndCauseStr Text      `json:"endCauseStr"`
	EndBy       Text      `json:"endBy"`
}

// A Flow is one leg of a call's way: a transfer or a queue makes several.
type Flow struct {
	FlowIndex float64   `json:"flowIndex"` // from 0, in order
	StartTime Timestamp `json:"startTime"`
	EndTime   Timestamp `json:"endTime"`
	// The durations are as they were sent, 0 where there is none.
	Duration    float64 `json:"duration"`
	ConnectTime float64 `json:"connectTime"`
	TalkTime    float64 `json:"talkTime"`
	WaitTime    float64 `json:"waitTime"`
	// Caller and Callee are nil while they are null.
	Caller         *Participant `json:"caller"`
	Callee         *Participant `json:"callee"`
	ServiceNumber  Text         `json:"serviceNumber"`
	Destination    Text         `json:"destination"`
	Direction      Text         `json:"direction"` // INBOUND, OUTBOUND or INTERNAL
	TrunkName      Text         `json:"trunkName"`
	TrunkDirection Text         `json:"trunkDirection"`
	Tags           []string     `json:"tags"`
	RemotePhone    Text         `json:"remotePhone"`
	CallStatus     Text         `json:"callStatus"` // COMPLETED or MISSED
}

// Call returns the call that a *[Call] or a *[LiveCall] tells of, or nil.
func (e *Event) Call() *Call {
	switch data := e.Data.(type) {
	case *Call:
		return data
	case *LiveCall:
		return &data.Call
	default:
		return nil
	}
}
