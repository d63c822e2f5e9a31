package awsbatch

import (
	"errors"
	"iter"

	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

// ErrCharacters is the reason for an event with characters that a service refuses.
var ErrCharacters = errors.New("the event has characters that are refused there: invalid UTF-8, U+FFFE or U+FFFF")

// Message attributes with the event's type, and of an event that is sent again on purpose.
const (
	eventAttribute  = "X-Wildix-Event"
	replayAttribute = "X-Wildix-Replay"
)

// Attributes returns the message attributes of an event: the signature, with the secret if
// there is one, the type, and whether it is a replay. One whose value is empty or not printable is left out, since
// SQS and SNS refuse it. The body has the type anyway.
func Attributes(e *events.Event, secret string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		sig := e.Signature
		if secret != "" {
			sig = signature.Sign(secret, e.Raw)
		}
		if isPrintable(sig) && !yield(sqscall.SignatureAttribute, sig) {
			return
		}
		if isPrintable(e.Type) && !yield(eventAttribute, e.Type) {
			return
		}
		if e.Replay {
			yield(replayAttribute, "true")
		}
	}
}

// isPrintable reports whether a text has only printable characters of ASCII, and at least
// one.
func isPrintable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return text != ""
}

// GroupID returns the message group of an event: its id if a group may have that name, and
// else the id's digest.
func GroupID(e *events.Event) string {
	if sqscall.IsGroupID(e.ID) {
		return e.ID
	}
	return signature.Digest([]byte(e.ID))
}
