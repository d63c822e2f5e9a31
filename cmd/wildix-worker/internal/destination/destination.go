// Package destination builds destinations of events from the configuration file.
package destination

import (
	"context"
	"slices"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/preview"
	"wildix-worker/events"
)

// A Destination is a handler with a name, a selection of events and limits. Connect, Check and
// Close may be nil. The zero values of the others mean all events, and the limits of all
// destinations.
type Destination struct {
	events.Handler
	Name    string
	Version string                      // differs after a change in the configuration file, or in Files
	Files   []string                    // that the configuration file names for it
	Connect func(context.Context) error // to what the handler needs; events connect to a database too
	// Check finds out whether events can be passed on, and changes nothing. Its errors say what
	// to do; an [UnsureError] need not keep the program from starting. It is called instead of
	// Connect.
	Check       func(context.Context) error
	Target      string // where events go, without secrets
	Caution     string // what may be unsafe about it; empty if nothing is known to be
	Close       func() error
	On          []string
	When        func(*events.Event) (bool, error)
	Timeout     time.Duration
	Concurrency int
	ReadsCall   bool // its template reads the whole call of call:finished
	Kind        string
	Condition   string       // the text of When, without secrets
	Preview     preview.Func // nil if the destination is wrong
	Database    string       // the URL that a database destination writes to, which may be secret
	SignedByPBX bool         // it sends the signature of the PBX, as it has no secret of its own
	// Responses counts the requests of an HTTP destination by class; nil for all others.
	Responses func() map[string]uint64
}

// WantsWholeCalls reports whether it gets call:finished: its selection names that type in
// full, or it has none and its template reads the whole call. Others must not get it: it needs
// a state, and was not there before.
func (d *Destination) WantsWholeCalls() bool {
	return slices.Contains(d.On, events.CallFinished) || len(d.On) == 0 && d.ReadsCall
}

// ConditionAmongWholeCalls returns the condition in a worker that derives call:finished while
// derives returns true.
func (d *Destination) ConditionAmongWholeCalls(derives func() bool) func(*events.Event) (bool, error) {
	if d.WantsWholeCalls() {
		return d.When
	}
	return func(e *events.Event) (bool, error) {
		if e.Type == events.CallFinished && derives() {
			return false, nil
		}
		if d.When == nil {
			return true, nil
		}
		return d.When(e)
	}
}

// StandardOutput is the Target of a log destination.
const StandardOutput = "standard output"

// Log makes the handlers of log destinations.
type Log struct {
	New  func(mask bool) events.Handler
	Mask bool // unless a destination says otherwise
}
