package events

import "encoding/json"

// A Flow is one leg of a call. A transfer or a queue makes several.
type Flow struct {
	FlowIndex float64   `json:"flowIndex"` // from 0, in order
	StartTime Timestamp `json:"startTime"`
	EndTime   Timestamp `json:"endTime"`
	// The durations are as the PBX sent them; 0 is none.
	Duration    float64 `json:"duration"`
	ConnectTime float64 `json:"connectTime"`
	TalkTime    float64 `json:"talkTime"`
	WaitTime    float64 `json:"waitTime"`
	// Caller and Callee are nil if they are null.
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

// maxFlows limits the memory for the flows of a call. Without it, a body of empty flows
// would take a thousand times its size.
const maxFlows = 1000

// Flows are the flows of a call, at most the first thousand. They are nil if the
// JSON is null, and empty but not nil if it is an empty array.
type Flows []Flow

// UnmarshalJSON reads an array or null. Anything else leaves the flows unchanged. It
// never fails on valid JSON.
func (f *Flows) UnmarshalJSON(data []byte) error {
	var each []json.RawMessage
	if json.Unmarshal(data, &each) != nil {
		return nil //nolint:nilerr // a value of another type is not an error
	}
	*f = nil
	if each != nil {
		*f = make(Flows, min(len(each), maxFlows))
	}
	for i := range *f {
		_ = json.Unmarshal(each[i], &(*f)[i]) // a field of another type stays zero
	}
	return nil
}
