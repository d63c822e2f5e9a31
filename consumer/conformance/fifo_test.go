package conformance_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wildix-worker/events"
)

// threeGroups returns the ids of twelve messages in each of three groups.
func threeGroups() []string {
	var ids []string
	for i := range 12 {
		for _, group := range []string{"a", "b", "c"} {
			ids = append(ids, fmt.Sprintf("%s-%02d", group, i))
		}
	}
	return ids
}

// wantGroupsInOrder checks that handlers began in the order of sending within
// each group; the message that failed is tried again before the next.
func (s *site) wantGroupsInOrder(sent []string) {
	s.t.Helper()
	for _, group := range []string{"a", "b", "c"} {
		others := func(id string) bool { return !strings.HasPrefix(id, group) }
		got := slices.Compact(slices.DeleteFunc(s.handlers(), others))
		if want := slices.DeleteFunc(slices.Clone(sent), others); !slices.Equal(got, want) {
			s.t.Errorf("handlers began for %q, want %q", got, want)
		}
	}
}

func TestGroupsAreHandledInOrder(t *testing.T) {
	everywhere(t, fifo, func(s *site) {
		sent := threeGroups()
		s.send(sent...)
		s.start(working(20 * time.Millisecond))
		s.eventuallyIDs(events.Handled, sent...)
		s.wantGroupsInOrder(sent)
		s.wantHeld(0)
	})
}

func TestFailureKeepsTheGroupInOrder(t *testing.T) {
	everywhere(t, fifo, func(s *site) {
		sent := threeGroups()
		s.send(sent...)
		var down atomic.Bool
		s.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "b-05" && !down.Swap(true) {
				return events.RetryAfter(time.Second, errDown)
			}
			return working(20*time.Millisecond)(ctx, e)
		}, leasing(longLease))
		s.eventuallyIDs(events.Handled, sent...)
		s.wantGroupsInOrder(sent)
		s.wantHeld(0)
	})
}
