// Package events holds the events that a Wildix PBX sends about its calls: the
// envelope that every event has, the typed data of the known types, and the [Mux]
// that passes an event to the handler of its type.
//
// A program that receives events through this module registers its handlers and
// decodes nothing itself:
//
//	mux := &events.Mux{}
//	mux.Handle("call:end", events.HandlerFunc(saveToCRM))
//	mux.Handle("call:*", events.HandlerFunc(count))
//
// For every message, a transport calls [DecodeSigned] and then [Dispatch]. Together they
// determine the message's [Outcome].
//
// An event has no unique field: its ID is that of the call, which all events of the call
// share. Events are delivered at least once, in any order. [Event.DeliveryKey] identifies
// an event by its content.
//
// Package [wildix-worker/events/calls] assembles calls from their events,
// package [wildix-worker/events/finish] derives an event with the whole call,
// package [wildix-worker/events/once] keeps repeated events from a handler, and
// package [wildix-worker/events/route] passes events to several destinations.
package events

import (
	"time"

	"wildix-worker/signature"
)

// MaxSize is the size of the largest body that is decoded, in bytes. It is the size of the
// largest message that SQS accepts.
const MaxSize = 1 << 20

// The types that have typed data. Events of other types are valid too, and have no Data:
// the PBX sends more types, and new ones appear over time.
const (
	// With a *Call.
	CallStart  = "call:start"
	CallUpdate = "call:update"
	CallEnd    = "call:end"
	// With a *LiveCall.
	CallLiveProgress      = "call:live:progress"
	CallLiveCompleted     = "call:live:completed"
	CallLiveInterrupted   = "call:live:interrupted"
	CallLiveTranscription = "call:live:transcription"
	// With a *CompletedCall.
	CallCompleted = "call:completed"
	// With a *FinishedCall. No PBX sends it: it is derived from the events of a call.
	CallFinished = "call:finished"
	// With a *Presence.
	PresenceUser       = "presence:user"
	PresenceTelephony  = "presence:telephony"
	PresenceConference = "presence:conference"
	// With an *SMS.
	SMSStatus = "sms:status"
)

// An Event is one event of a PBX. Handlers share it and must not change it.
type Event struct {
	// ID is the call's id, such as "it_w118741_1693389850.110", or the
	// conversation's if the event is not about a call. It is never empty.
	ID string
	// Type is the event's type, such as "call:end". It is never empty.
	Type string
	// PBX is the serial number of the PBX. It is empty on events that have none,
	// such as conference and chat events.
	PBX string
	// Company is the PBX's company id.
	Company string
	// IntegrationID is the integration that sent the event.
	IntegrationID string
	// Time is when it happened, in UTC, to the millisecond.
	Time time.Time
	// Data has the Go type that the constants above name, and is nil for other event
	// types. A field whose JSON has an unexpected type is zero, so that no event is lost
	// because of it.
	Data any
	// Raw is the body as it was signed. It has every field, including those that Data
	// lacks.
	Raw []byte

	// Signature is the signature that DecodeSigned has verified, for handlers that
	// forward the event unchanged. It must not be logged.
	Signature string
	// ReceiveCount is how often the transport has delivered the event's message,
	// from 1. It is 0 if the transport does not know, as with a webhook.
	ReceiveCount int
	// Replay reports whether the event is sent again on purpose, from a database. Handlers
	// tell their receiver so. The DeliveryKey is that of the first delivery.
	Replay bool
}

// DeliveryKey identifies the event by its content: it returns the SHA-256 of Raw as
// 64 hex digits. All deliveries of an event have the same key, whether SQS or the
// PBX repeated it. Different events of a call have different keys.
func (e *Event) DeliveryKey() string { return signature.Digest(e.Raw) }

// Call returns the data of an event with a *[Call] or a *[LiveCall], or nil.
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
