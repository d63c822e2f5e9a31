package events_test

import (
	"testing"

	"wildix-worker/events"
)

func TestMaskedNumberKeepsItsLastTwoCharacters(t *testing.T) {
	for number, want := range map[string]string{
		"+12025550100": "***00", "201": "***01", "42": "***", "7": "***", "": "", "12é": "***2é", "1é": "***", "\xff\xff\xff": "***\xff\xff",
	} {
		if got := events.MaskNumber(number); got != want {
			t.Errorf("%q: %q, want %q", number, got, want)
		}
	}
}
