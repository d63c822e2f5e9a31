package route

import (
	"errors"
	"fmt"
	"strings"
	"unique"

	"wildix-worker/events"
)

// result returns the result when no part waits.
func (p *progress) result() error {
	var failures []error
	result := events.ErrNoHandler
	for part := p.parts; part != nil; part = part.next {
		switch {
		case part.outcome != done:
			failures = append(failures, fmt.Errorf("%s: %w", part.destination.name, part.err()))
		case part.err() == nil || result == events.ErrNoHandler: //nolint:errorlint // the very value
			result = part.err()
		}
	}
	switch len(failures) {
	case 0:
		return result
	case 1:
		return failures[0]
	default:
		return errors.Join(failures...)
	}
}

// Reason returns what the event waits for. It is an error of [events.Busy] if none of that is
// down. No dispatch may be under way.
func (p *progress) Reason() error {
	var waits []string
	busy := true
	for part := p.parts; part != nil; part = part.next {
		if part.outcome == open {
			why, isBusy := part.reason()
			waits = append(waits, why)
			busy = busy && isBusy
		}
	}
	err := waitError{unique.Make("waits for " + strings.Join(waits, ", "))}
	if busy {
		return events.Busy(err)
	}
	return err
}

// A waitError is why an event waits. Thousands of events that wait for the same share its text.
type waitError struct{ text unique.Handle[string] }

func (e waitError) Error() string { return e.text.Value() }
