// Package eventflag reads the events that the flag --event names, for commands that try the
// configuration on an event.
package eventflag

import (
	"context"
	"fmt"
	"os"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/eventtype"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/fakepbx"
	"wildix-worker/events"
)

// An Example is an event to try something on. What says where it is from, such as "a missed
// call".
type Example struct {
	What  string
	Event *events.Event
}

// Read returns the events of a file, of standard input for "-", or made-up ones of a type. Of
// call:finished those are a missed and an answered call. Its error is a usage error.
func Read(ctx context.Context, name string) ([]Example, error) {
	examples, err := read(ctx, name)
	if err != nil {
		return nil, &exit.UsageError{Err: fmt.Errorf("--event: %w", err)}
	}
	return examples, nil
}

func read(ctx context.Context, name string) ([]Example, error) {
	switch {
	case name == events.CallFinished:
		missed, err := decoded("a missed call", fakepbx.New().FinishedCall(true))
		if err != nil {
			return nil, err
		}
		answered, err := decoded("an answered call", fakepbx.New().FinishedCall(false))
		return []Example{missed, answered}, err
	case name != "-" && !isFile(name):
		if !strings.Contains(name, ":") {
			return nil, fmt.Errorf("%q is neither a file nor a type such as call:end", name)
		}
		if err := eventtype.Warn(name); err != nil {
			return nil, err
		}
		_, body := fakepbx.New().Event(name)
		made, err := decoded("a made-up event", body)
		return []Example{made}, err
	default:
		body, err := config.ReadInput(ctx, name)
		if err != nil {
			return nil, err
		}
		read, err := decoded("the event", body)
		return []Example{read}, err
	}
}

func isFile(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func decoded(what string, body []byte) (Example, error) {
	e, err := events.Decode(body)
	if err != nil {
		return Example{}, err
	}
	e.ReceiveCount = 1
	return Example{what, e}, nil
}
