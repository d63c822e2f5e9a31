package events

import (
	"bytes"
	"strconv"

	"wildix-worker/internal/jsonscan"
)

// decoder reads the fields of events with a jsonscan.Decoder.
type decoder struct {
	*jsonscan.Decoder
	// What a repeated field has replaced is used again, so that a body of many repeated
	// fields costs no more memory than one.
	flows        Flows
	participants []*Participant
}

func newDecoder(body []byte) *decoder {
	const usualText = 512 // bytes of the texts of an event
	return &decoder{Decoder: jsonscan.NewDecoder(body, fieldNames, usualText)}
}

// fieldNames are the names of the fields of all objects.
var fieldNames = bytes.Fields([]byte(`
	id type pbx company integrationId time data
	status caller callee service destination trunkName queueName queueId tags flags endCause endCauseStr endBy
	phone name email userId userExtension userDepartment groupId groupName userAgent userDevice role license
	direction flows licenses extension until message location from to reason channel parts
	flowIndex startTime endTime duration connectTime talkTime waitTime serviceNumber trunkDirection remotePhone callStatus
	queue trunk started answeredAt ended waited answered missed
`))

// readParticipant returns a participant for any value but null, as encoding/json does.
func (d *decoder) readParticipant(p **Participant) {
	switch {
	case d.Peek() == 'n':
		d.Skip()
		d.release(p)
		return
	case *p == nil:
		*p = d.newParticipant()
	}
	d.ReadObject(func(name []byte) bool { return d.readText((*p).text(name)) })
}

func (d *decoder) newParticipant() *Participant {
	last := len(d.participants) - 1
	if last < 0 {
		return new(Participant)
	}
	p := d.participants[last]
	d.participants = d.participants[:last]
	*p = Participant{}
	return p
}

// release sets a participant to nil, and keeps its memory.
func (d *decoder) release(p **Participant) {
	if *p != nil {
		d.participants = append(d.participants, *p)
		*p = nil
	}
}

// readText does the same as [Text.UnmarshalJSON]. If t is nil, it reads nothing and
// returns false.
func (d *decoder) readText(t *Text) bool {
	if t == nil {
		return false
	}
	switch d.Peek() {
	case '"':
		*t = Text{Value: d.String(), Valid: true}
	case 'n', '{', '[':
		d.Skip()
		*t = Text{}
	default:
		*t = Text{Value: d.Keep(d.Raw()), Valid: true}
	}
	return true
}

// readTimestamp does the same as [Timestamp.UnmarshalJSON].
func (d *decoder) readTimestamp(t *Timestamp) {
	var millis float64
	d.readNumber(&millis)
	t.Time, _ = unixMilli(millis)
}

// readNumber reads a number, unless it is out of range.
func (d *decoder) readNumber(n *float64) {
	c := d.Peek()
	raw := d.Raw()
	if c != '-' && (c < '0' || c > '9') {
		return
	}
	if read, err := strconv.ParseFloat(string(raw), 64); err == nil {
		*n = read
	}
}
