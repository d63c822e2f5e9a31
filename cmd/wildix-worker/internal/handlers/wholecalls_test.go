package handlers

import (
	"testing"
	"time"
)

// A group of a FIFO queue may have all calls of a PBX, which would get no further than one in
// ten seconds.
func TestNothingBehindTheEndOfACallWaitsInAFIFOQueue(t *testing.T) {
	for url, want := range map[string]time.Duration{
		"https://sqs.eu-central-1.amazonaws.com/123456789012/calls.fifo": time.Nanosecond,
		"https://sqs.eu-central-1.amazonaws.com/123456789012/calls":      0,
		"": 0, // webhook
	} {
		if got := graceOf(url); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}
