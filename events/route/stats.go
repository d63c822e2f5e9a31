package route

import "time"

// A State is whether a destination can take events.
type State uint8

const (
	// Up: events are passed to the destination as they come.
	Up State = iota
	// Down: ten different events have failed one after another. Events wait, and the
	// destination is probed.
	Down
	// Paused: the destination's handler has returned [events.Unavailable]. Events wait,
	// and nothing is passed to the destination until the time is over.
	Paused
)

var stateWords = [...]string{"up", "down", "paused"}

// String returns "up", "down" or "paused".
func (s State) String() string { return stateWords[s] }

// Stats is the state of a destination.
type Stats struct {
	Name  string
	State State
	// Since is when the state began. It is when New was called if the state has not
	// changed since.
	Since time.Time
	// Until is when a paused destination is tried again. It is zero in other states.
	Until time.Time

	// Held is how many events wait for the destination, for whatever reason.
	Held int
	// Queued is how many of them wait only for one of its places.
	Queued int
	// Suspects is how many of them have failed, and wait until another event shows
	// whether that is their own fault. It is zero unless the destination is up.
	Suspects int
	// Running is how many calls of the handler are running or about to.
	Running int

	// Handled, Duplicates and Failed count the calls of the handler by their results.
	// The same event may fail several times.
	Handled, Duplicates, Failed uint64

	// LastSuccess is when the handler last handled an event. It is zero if it has not.
	LastSuccess time.Time
	// LastError is the error of the last call that failed, and LastFailure when that
	// was. They are empty and zero if none has failed.
	LastError   string
	LastFailure time.Time
}

// Failing reports whether events wait because the destination has failed for them and has
// handled none since, although it is up: too few have failed for it to be down.
func (s Stats) Failing() bool {
	return s.State == Up && s.Held > s.Queued && s.LastFailure.After(s.LastSuccess)
}
