package settle

import (
	"fmt"
	"testing"
)

func TestRecentHoldsTheNewestMessages(t *testing.T) {
	r := newRecent()
	for i := range recentMessages {
		r.add(fmt.Sprint(i), prior{outcome: done})
	}
	for range 3 {
		if r.of("0").outcome != done { // which does not make it newer
			t.Fatal("the oldest message is forgotten before its time")
		}
	}
	r.add("1", prior{outcome: refused}) // which does
	r.add("new", prior{outcome: done})
	r.add("newer", prior{outcome: done})
	for id, want := range map[string]priorOutcome{"0": unknown, "1": refused, "2": unknown, "3": done, "new": done, "newer": done, "other": unknown} {
		if got := r.of(id).outcome; got != want {
			t.Errorf("outcome of %s is %d, want %d", id, got, want)
		}
	}
}
