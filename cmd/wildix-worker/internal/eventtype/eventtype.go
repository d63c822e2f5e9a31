// Package eventtype finds typing errors in the types of events.
package eventtype

import (
	"os"
	"slices"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events"
)

// known are the types that events have data types of. A PBX also sends others.
var known = []string{
	events.CallStart, events.CallUpdate, events.CallEnd, events.CallCompleted, events.CallFinished,
	events.CallLiveProgress, events.CallLiveCompleted, events.CallLiveInterrupted, events.CallLiveTranscription,
	events.PresenceUser, events.PresenceTelephony, events.PresenceConference, events.SMSStatus,
}

// Meant returns the known type that a type is likely meant to be, or an empty string if the type
// is known or like none. It is no proof of an error, since a PBX sends more types than are known.
func Meant(name string) string {
	if slices.Contains(known, name) {
		return ""
	}
	return configfile.NearestName(name, known)
}

// Warn asks a person who has named a type whether a known one was meant.
func Warn(name string) error {
	meant := Meant(name)
	if meant == "" {
		return nil
	}
	out := term.NewPrinter(os.Stderr)
	out.Printf("warning: no known event has the type %s; did you mean %s?\n", term.Printable(name), meant)
	return out.Err()
}
