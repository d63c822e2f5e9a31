package events_test

import (
	"errors"
	"fmt"
	"testing"

	"wildix-worker/events"
)

func TestBusy(t *testing.T) {
	full := errors.New("all places are taken")
	busy := events.Busy(full)
	hold := events.Hold(func(func()) {}, busy)
	if !events.IsBusy(busy) || !events.IsBusy(hold) || !events.IsBusy(fmt.Errorf("crm: %w", hold)) {
		t.Error("not busy")
	}
	if !events.IsHold(hold) || !errors.Is(hold, full) || hold.Error() != "held: all places are taken" {
		t.Errorf("got %v", hold)
	}
	if text := events.Hold(nil, events.Busy(nil)).Error(); text != "held: busy" {
		t.Errorf("got %q", text)
	}
	for _, err := range []error{nil, full, events.Hold(nil, full), errors.Join(busy, errDown)} {
		if events.IsBusy(err) {
			t.Errorf("%v is busy", err)
		}
	}
}
