package consumer_test

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"pgregory.net/rapid"

	"wildix-worker/events"
	"wildix-worker/signature"
)

// An outgoing is a message to be sent.
type outgoing struct {
	kind  kind
	group string
	acts  []act // what the handler does, one for each call; then it succeeds

	// With destinations:
	to     int           // which of them want the message, as bits
	at     int           // the one whose handler does the acts
	others time.Duration // that the handlers of the others take
}

var outgoings = rapid.Custom(func(t *rapid.T) outgoing {
	return outgoing{
		kind:  oneOf(t, valid, valid, valid, valid, unsigned, guessed, altered, binary, garbled, nameless),
		group: oneOf(t, "a", "b", "c"),
		acts:  rapid.SliceOfN(acts, 0, 3).Draw(t, "acts"),

		to:     oneOf(t, allDestinations, allDestinations, allDestinations, 1, 2, 3, 0),
		at:     rapid.IntRange(0, maxDestinations-1).Draw(t, "at"),
		others: oneOf(t, 0, 0, time.Second, 20*time.Second),
	}
})

func (p outgoing) String() string {
	if p.kind != valid {
		return fmt.Sprintf("%s %v", p.group, p.kind)
	}
	texts := make([]string, len(p.acts))
	for i, a := range p.acts {
		texts[i] = a.String()
	}
	return fmt.Sprintf("%s [%s] (to %03b, at %d, others %v)", p.group, strings.Join(texts, ", "), p.to, p.at, p.others)
}

// kind is whether a message is valid, or why not.
type kind int

const (
	valid    kind = iota
	unsigned      // the following must be rejected
	guessed
	altered
	binary
	garbled // the following are signed and malformed
	nameless
)

func (k kind) String() string {
	return [...]string{"valid", "unsigned", "guessed", "altered", "binary", "garbled", "nameless"}[k]
}

// outcome is that of a message that is not valid.
func (k kind) outcome() events.Outcome {
	if k >= garbled {
		return events.Malformed
	}
	return events.Rejected
}

// make returns the body, which is unique, and the attributes of a message with an
// event of the given id.
func (k kind) make(id, name string) (string, map[string]types.MessageAttributeValue) {
	text := strings.Replace(body(id), "{", fmt.Sprintf("{%q:%q,", "name", name), 1)
	switch k {
	case unsigned:
		return text, nil
	case guessed:
		return text, attribute("String", signature.Sign("guess", []byte(text)))
	case altered:
		return text, signed(text + " ")
	case binary:
		return text, attribute("Binary", signature.Sign(secret, []byte(text)))
	case garbled:
		text = "event " + name
	case nameless:
		text = strings.Replace(text, `"id"`, `"number"`, 1)
	}
	return text, signed(text)
}

// An act is what the handler does with one delivery.
type act struct {
	takes    time.Duration
	onCancel cancelBehaviour // when its context ends
	ends     ending
	delay    time.Duration // that a retry asks for, or of a hold
	own      bool          // of the message, not of its destination
}

// cancelBehaviour is what a handler does when its context ends.
type cancelBehaviour int

const (
	givesUp  cancelBehaviour = iota // returns an error
	finishes                        // returns at once, as it would have later
	ignoresCancel
)

func (m cancelBehaviour) String() string {
	return [...]string{"", " or when cancelled", " ignores its context"}[m]
}

// ending is how a handler ends.
type ending int

const (
	succeeds ending = iota
	fails
	retries
	refuses
	panics
	exits
	ignores
	repeats
	holds
	pauses
)

func (e ending) String() string {
	return [...]string{"succeeds", "fails", "retries", "refuses", "panics", "exits", "ignores", "repeats", "holds", "pauses"}[e]
}

// outcome is that of a message whose handler ends so.
func (e ending) outcome() events.Outcome {
	switch e {
	case succeeds:
		return events.Handled
	case ignores:
		return events.Ignored
	case repeats:
		return events.Duplicate
	default:
		return events.Failed
	}
}

var acts = rapid.Custom(func(t *rapid.T) act {
	a := act{
		ends:     oneOf(t, succeeds, succeeds, succeeds, succeeds, fails, fails, retries, refuses, panics, exits, ignores, repeats, holds, holds),
		takes:    drawDuration(t, time.Minute),
		onCancel: oneOf(t, givesUp, givesUp, givesUp, finishes, ignoresCancel),
		delay:    drawDuration(t, time.Minute),
	}
	if a.ends == holds {
		a.delay = oneOf(t, drawDuration(t, time.Hour), drawDuration(t, time.Hour), 24*time.Hour)
	}
	return a
})

func (a act) String() string {
	text := a.ends.String()
	if a.delay > 0 && (a.ends == retries || a.ends == holds || a.ends == pauses) {
		text += fmt.Sprintf("(%v)", a.delay)
	}
	if a.takes > 0 {
		text += fmt.Sprintf(" after %v", a.takes)
	}
	return text + a.onCancel.String()
}

// end ends the handler.
func (a act) end() error {
	switch a.ends {
	case fails:
		return errDown
	case retries:
		return events.RetryAfter(a.delay, errDown)
	case refuses:
		return events.Permanent(errDown)
	case panics:
		panic("the handler's")
	case exits:
		runtime.Goexit()
	case ignores:
		return events.ErrNoHandler
	case repeats:
		return events.ErrDuplicate
	case holds:
		return events.Hold(func(resume func()) { time.AfterFunc(a.delay, resume) }, errDown)
	case pauses:
		return events.Unavailable(a.delay, errDown)
	}
	return nil
}
