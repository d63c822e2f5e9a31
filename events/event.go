// Package events holds what a Wildix PBX tells about its calls: the envelope
// that every event has, the typed data of the known types, and the [Mux] that
// hands an event to the handler of its type.
//
// A program that receives events by the worker of this module registers its
// handlers and never decodes anything itself:
//
//	mux := &events.Mux{}
//	mux.Handle("call:end", events.HandlerFunc(saveToCRM))
//	mux.Handle("call:*", events.HandlerFunc(count))
//
// A transport does, for every message, [Open] and then [Dispatch]; between
// them they find out which of six words ([Outcome]) the message ends in.
//
// A [Tracker] puts calls together from their events, for a program that wants
// to know who talks to whom or what became of a call. [FactsOf] is what it is
// made of, for one that keeps calls elsewhere.
//
// Nothing in an event is unique by itself: its ID is the call's and is shared
// by all events of the call, and delivery is at least once, in any order.
package events

import (
	"errors"
	"fmt"
	"math"
	"time"

	"wildix-worker/signature"
)

// MaxSize is the largest body that is decoded, in bytes: the largest message
// that SQS takes.
const MaxSize = 1 << 20

// The types that have typed data. More exist and appear over time; an event
// of any other type is as valid and has no Data.
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
	// With a *Presence.
	PresenceUser       = "presence:user"
	PresenceTelephony  = "presence:telephony"
	PresenceConference = "presence:conference"
	// With an *SMS.
	SMSStatus = "sms:status"
)

// An Event is one notice of a PBX. Handlers share it and must not change it.
type Event struct {
	// ID is the call's id (or the conversation's, for events that are not
	// about a call), such as "it_w118741_1693389850.110". Never empty.
	ID string
	// Type is the event's type, such as "call:end". Never empty.
	Type string
	// PBX is the serial number of the PBX; empty on events that have none,
	// such as conference and chat events.
	PBX string
	// Company is the PBX's company id.
	Company string
	// IntegrationID is the integration that sent the event.
	IntegrationID string
	// Time is when it happened, in UTC, to the millisecond.
	Time time.Time
	// Data is what the constants above say on the types that this package
	// declares, and nil on others. A field whose JSON has another shape than
	// expected is left at its zero value: it is no reason to lose an event.
	Data any
	// Raw is the body as it was signed. It holds what Data does not.
	Raw []byte

	// Signature is the signature that Open has verified, for handlers that
	// pass the event on as it came. It is not to be logged.
	Signature string
	// ReceiveCount is how often the transport has delivered the event's
	// message, from 1; 0 if it does not know, as on a webhook.
	ReceiveCount int
}

// DeliveryKey identifies what the event says: the SHA-256 of Raw as 64 hex
// digits. Deliveries of one event have the same key, whether SQS repeated it or
// the PBX did; different events, also of one call, have different ones.
func (e *Event) DeliveryKey() string { return signature.Digest(e.Raw) }

// ErrMalformed is wrapped by every error of [Decode].
var ErrMalformed = errors.New("malformed event")

// earliest and latest bound what is believed as a time in Unix milliseconds.
// The lower bound also catches seconds.
var (
	earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Decode reads an event from its JSON. It insists on valid JSON of at most
// [MaxSize] bytes with an id, a type and a time between 2000 and 2100, and
// bears everything else: unknown fields and types, null anywhere, data of
// another shape than expected. But an integrationId that is not one string is
// an error.
//
// The typed fields hold what encoding/json reads from Raw: names match in any
// case, of a field that occurs twice the last counts, a second object or array
// is read over the first, and invalid UTF-8 becomes U+FFFD.
//
// The event keeps body as its Raw; the caller must not change it afterwards.
// Every error wraps [ErrMalformed] and says what is wrong without quoting the
// body, which is personal data.
func Decode(body []byte) (*Event, error) {
	if len(body) > MaxSize {
		return nil, malformed("%d bytes are more than the %d that SQS takes", len(body), MaxSize)
	}
	env, err := readEnvelope(body)
	if err != nil {
		return nil, err
	}
	e := &env.event
	switch {
	case e.ID == "":
		return nil, malformed("no id")
	case e.Type == "":
		return nil, malformed("no type")
	case !env.timed:
		return nil, malformed("no time")
	case env.integration.unclear:
		return nil, malformed("integrationId is not one string")
	}
	if e.Time, err = eventTime(env.millis); err != nil {
		return nil, err
	}
	e.IntegrationID = env.integration.id
	e.Raw = body
	e.Data = env.data()
	return e, nil
}

func eventTime(millis float64) (time.Time, error) {
	if math.Abs(millis) < math.MaxInt64/2 { // beyond it the conversion is undefined
		at := time.UnixMilli(int64(millis)).UTC()
		if !at.Before(earliest) && at.Before(latest) {
			return at, nil
		}
	}
	return time.Time{}, malformed("time is not between 2000 and 2100 in Unix milliseconds")
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
