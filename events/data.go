package events

import "encoding/json"

// typedData returns the data of an event, or nil if its type has no typed data. call is the
// body's data, read as that of a call.
func typedData(eventType string, body []byte, call *Call) any {
	switch eventType {
	case CallStart, CallUpdate, CallEnd:
		return call
	case CallLiveProgress, CallLiveCompleted, CallLiveInterrupted, CallLiveTranscription:
		return unmarshalData[LiveCall](body)
	case CallCompleted:
		return unmarshalData[CompletedCall](body)
	case PresenceUser, PresenceTelephony, PresenceConference:
		return unmarshalData[Presence](body)
	case SMSStatus:
		return unmarshalData[SMS](body)
	default:
		return nil
	}
}

// unmarshalData reads the data of the rarer types, for which encoding/json is fast
// enough.
func unmarshalData[T any](body []byte) *T {
	var e struct {
		Data T `json:"data"`
	}
	// The body is valid JSON, so an error is about a value of another type than
	// expected; encoding/json has read the rest.
	_ = json.Unmarshal(body, &e)
	return &e.Data
}
