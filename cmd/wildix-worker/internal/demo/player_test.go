package demo

import (
	"testing"
	"testing/synctest"
)

func TestEventsAreUnique(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time stands still
		seen := make(map[string]bool)
		for p := newPlayer(demoSecret, 100); !p.done(); {
			body := string(p.event().Body)
			if seen[body] {
				t.Fatalf("twice: %s", body)
			}
			seen[body] = true
		}
	})
}
