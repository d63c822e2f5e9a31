package events

// A LiveCall is the data of the call:live events, which newer PBXs send. Raw holds
// what else they have, such as the text of a transcription.
type LiveCall struct {
	Call
	// ID is the call's id, if the data has its own.
	ID Text `json:"id"`
	// Direction is INBOUND, OUTBOUND or INTERNAL.
	Direction Text  `json:"direction"`
	Flows     Flows `json:"flows"`
}

// A CompletedCall is the data of call:completed, the PBX's summary of a call some
// time after its end.
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

// text returns the Text field of that JSON name, or nil.
func (c *CompletedCall) text(name []byte) *Text {
	switch string(name) {
	case "id":
		return &c.ID
	case "pbx":
		return &c.PBX
	case "company":
		return &c.Company
	case "type":
		return &c.Type
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
