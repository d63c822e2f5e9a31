package demo

import (
	"testing"
	"testing/synctest"
)

func TestEventsAreUnique(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // all events are made at the same time
		seen := make(map[string]bool)
		for s := newSource(demoSecret, 100); !s.done(); {
			body := string(s.event().Body)
			if seen[body] {
				t.Fatalf("twice: %s", body)
			}
			seen[body] = true
		}
	})
}
