package events

import "encoding/json"

// data is what the type of the event makes of its data, or nil.
func (env *envelope) data() any {
	body := env.event.Raw
	switch env.event.Type {
	case CallStart, CallUpdate, CallEnd:
		return &env.call
	case CallLiveProgress, CallLiveCompleted, CallLiveInterrupted, CallLiveTranscription:
		return readData[LiveCall](body)
	case CallCompleted:
		return readData[CompletedCall](body)
	case PresenceUser, PresenceTelephony, PresenceConference:
		return readData[Presence](body)
	case SMSStatus:
		return readData[SMS](body)
	default:
		return nil
	}
}

// readData reads the data of the rarer types, for which encoding/json is fast
// enough.
func readData[T any](body []byte) *T {
	var e struct {
		Data T `json:"data"`
	}
	// The body is valid JSON, so an error tells of a value of another shape
	// than expected, and the rest was read.
	_ = json.Unmarshal(body, &e)
	return &e.Data
}
