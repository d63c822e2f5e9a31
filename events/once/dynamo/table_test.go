package dynamo_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"wildix-worker/events"
	"wildix-worker/events/once"
	"wildix-worker/events/once/internal/storetest"
)

func TestStoreInATable(t *testing.T) {
	storetest.Run(t, func(t *testing.T) once.Store { return newTable(t).store() })
}

// eachFault runs a test for each fault, in parallel: most of the time they wait.
func eachFault(t *testing.T, faults []fault, test func(*testing.T, *table, fault)) {
	for _, f := range faults {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			test(t, newTable(t), f)
		})
	}
}

func TestEventsWaitForATableThatCannotBeReached(t *testing.T) {
	eachFault(t, []fault{throttled, broken, dropped, unanswered, hanging}, func(t *testing.T, table *table, f fault) {
		h := &handler{}
		w := wrapped(t, h, table.store(), once.Wait)
		table.set(f)
		outcome, err := deliver(t, w, event())
		table.set(faultless)
		if outcome != events.Failed || errors.Unwrap(err) == nil || !strings.HasPrefix(err.Error(), "whether the event was handled before is unknown: DynamoDB table once-") {
			t.Errorf("%s, %v", outcome, err)
		}
		if _, ok := events.RetryDelay(err); ok || events.IsPermanent(err) {
			t.Errorf("%v does not count as a failure for a consumer's breaker", err)
		}
		if h.calls.Load() != 0 {
			t.Error("the event was handled")
		}
		if f == unanswered { // the lease was written, but its owner does not know
			expect(t, w, event(), events.Failed)
			return
		}
		expect(t, w, event(), events.Handled)
	})
}

// The client repeats a request without an answer, and gets the lease that it has.
func TestLostAnswerIsNotTakenForAnotherOwner(t *testing.T) {
	eachFault(t, []fault{dropped, unanswered, broken}, func(t *testing.T, table *table, f fault) {
		w := wrapped(t, &handler{}, table.store(), once.Wait)
		table.set(f, 1)
		expect(t, w, event(), events.Handled)
	})
}

func TestAtLeastOnceHandlesEventsWithoutTheTable(t *testing.T) {
	eachFault(t, []fault{throttled, broken, dropped, unanswered, hanging}, func(t *testing.T, table *table, f fault) {
		h := &handler{}
		mine, theirs := wrapped(t, h, table.store(), once.AtLeastOnce), wrapped(t, h, table.store(), once.AtLeastOnce)
		table.set(f)
		expect(t, mine, event(), events.Handled)
		expect(t, mine, event(), events.Duplicate) // the process remembers it itself
		expect(t, theirs, event(), events.Handled)
		table.set(faultless)
		expect(t, mine, event(), events.Duplicate)
		expect(t, theirs, event(), events.Duplicate)
	})
}

func TestHandledEventIsDoneEvenIfItCannotBeRecorded(t *testing.T) {
	eachFault(t, []fault{throttled, broken, dropped, hanging}, func(t *testing.T, table *table, f fault) {
		h := &handler{result: func(context.Context) error {
			table.set(f)
			return nil
		}}
		mine := wrapped(t, h, table.store(), once.Wait)
		expect(t, mine, event(), events.Handled)
		expect(t, mine, event(), events.Duplicate)
		table.set(faultless)
		expect(t, mine, event(), events.Duplicate)
		if h.calls.Load() != 1 {
			t.Errorf("%s: the handler was called %d times", f, h.calls.Load())
		}
		// For other processes it is in progress until the lease ends.
		expect(t, wrapped(t, h, table.store(), once.Wait), event(), events.Failed)
	})
}

func TestEventCostsTwoRequestsAndARepeatOneAtMost(t *testing.T) {
	table := newTable(t)
	h := &handler{}
	mine, theirs := wrapped(t, h, table.store(), once.Wait), wrapped(t, h, table.store(), once.Wait)
	table.count()
	for _, step := range []struct {
		w    events.Handler
		want events.Outcome
		cost int
	}{{mine, events.Handled, 2}, {mine, events.Duplicate, 0}, {theirs, events.Duplicate, 1}} {
		expect(t, step.w, event(), step.want)
		if n := table.count(); n != step.cost {
			t.Errorf("%s cost %d requests, want %d", step.want, n, step.cost)
		}
	}
}

func TestCheckWritesNothing(t *testing.T) {
	table := newTable(t)
	fatal(t, table.store().Check(t.Context()))
	items, err := table.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table.name})
	fatal(t, err)
	if items.Count != 0 {
		t.Errorf("the table has %d items", items.Count)
	}
}

func TestCheckReportsAMissingTable(t *testing.T) {
	table := newTable(t)
	table.name += "-not"
	if err := table.store().Check(t.Context()); !hasCode(err, "ResourceNotFoundException") {
		t.Errorf("error %v", err)
	}
}

func hasCode(err error, code string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == code
}
