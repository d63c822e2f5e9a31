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

// wantGroupsInOrder checks that handlers were called in the order of sending within each
// group. A message that failed must be handled again before the next one.
func (q *testQueue) wantGroupsInOrder(sent []string) {
	q.t.Helper()
	for _, group := range []string{"a", "b", "c"} {
		others := func(id string) bool { return !strings.HasPrefix(id, group) }
		got := slices.Compact(slices.DeleteFunc(q.startedIDs(), others))
		if want := slices.DeleteFunc(slices.Clone(sent), others); !slices.Equal(got, want) {
			q.t.Errorf("handlers called for %q, want %q", got, want)
		}
	}
}

func TestGroupsAreHandledInOrder(t *testing.T) {
	onEveryServer(t, fifo, func(q *testQueue) {
		sent := threeGroups()
		q.send(sent...)
		q.start(sleepFor(20 * time.Millisecond))
		q.wantEventually(events.Handled, sent...)
		q.wantGroupsInOrder(sent)
		q.wantDepth(0)
	})
}

func TestFailureKeepsGroupInOrder(t *testing.T) {
	onEveryServer(t, fifo, func(q *testQueue) {
		sent := threeGroups()
		q.send(sent...)
		var down atomic.Bool
		q.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "b-05" && !down.Swap(true) {
				return events.RetryAfter(time.Second, errDown)
			}
			return sleepFor(20*time.Millisecond)(ctx, e)
		}, withLease(longLease))
		q.wantEventually(events.Handled, sent...)
		q.wantGroupsInOrder(sent)
		q.wantDepth(0)
	})
}
