package events_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
)

func TestChainCallsAllHandlers(t *testing.T) {
	down, refused := errors.New("down"), events.Permanent(errors.New("refused"))
	for _, test := range []struct {
		name    string
		answers []error
		outcome events.Outcome
		errs    []error
	}{
		{"all succeed", []error{nil, nil}, events.Handled, nil},
		{"one fails", []error{down, nil}, events.Failed, []error{down}},
		{"all fail", []error{down, refused}, events.Failed, []error{down, refused}},
		{"one panics", []error{errPanic, nil}, events.Failed, []error{errPanic}},
		{"one had nothing to do", []error{events.ErrNoHandler, nil}, events.Handled, nil},
		{"all but one done before", []error{events.ErrDuplicate, nil}, events.Handled, nil},
		{"all done before", []error{events.ErrDuplicate, events.ErrNoHandler}, events.Duplicate, nil},
		{"done before, then a failure", []error{events.ErrDuplicate, down}, events.Failed, []error{down}},
		{"none is for the type", []error{events.ErrNoHandler, events.ErrNoHandler}, events.Ignored, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var called []int
			var handlers []events.Handler
			for i, answer := range test.answers {
				handlers = append(handlers, events.HandlerFunc(func(context.Context, *events.Event) error {
					called = append(called, i)
					if answer == errPanic {
						panic(answer)
					}
					return answer
				}))
			}
			outcome, err := events.Dispatch(t.Context(), events.Chain(handlers...), &events.Event{})
			if outcome != test.outcome {
				t.Errorf("outcome %s, want %s", outcome, test.outcome)
			}
			for _, want := range test.errs {
				if !errors.Is(err, want) {
					t.Errorf("error %v, want %v in it", err, want)
				}
			}
			if len(called) != len(handlers) || !slices.IsSorted(called) {
				t.Errorf("called %v of %d handlers", called, len(handlers))
			}
		})
	}
}

var errPanic = errors.New("a panic")

func TestChainIsPermanentOnlyIfAllFailuresAre(t *testing.T) {
	failing := func(err error) events.Handler {
		return events.HandlerFunc(func(context.Context, *events.Event) error { return err })
	}
	refused := failing(events.Permanent(errors.New("refused")))
	if err := events.Chain(refused, failing(nil)).HandleEvent(t.Context(), &events.Event{}); !events.IsPermanent(err) {
		t.Errorf("%v is not permanent", err)
	}
	if err := events.Chain(refused, failing(errors.New("down"))).HandleEvent(t.Context(), &events.Event{}); events.IsPermanent(err) {
		t.Errorf("%v is permanent", err)
	}
}

func TestChainOfOneHandlerIsTheHandler(t *testing.T) {
	if err := events.Chain(named("only")).HandleEvent(t.Context(), &events.Event{}); err == nil || err.Error() != "only" {
		t.Errorf("error %v", err)
	}
}

func TestChainStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	first := events.HandlerFunc(func(context.Context, *events.Event) error {
		cancel(stop)
		return nil
	})
	second := events.HandlerFunc(func(context.Context, *events.Event) error {
		t.Error("a handler was called after the context had ended")
		return nil
	})
	if err := events.Chain(first, second).HandleEvent(ctx, &events.Event{}); !errors.Is(err, stop) {
		t.Errorf("error %v, want the context's cause", err)
	}
}

func TestChainGivesEachHandlerAShareOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var limits []time.Duration
		hang := events.HandlerFunc(func(ctx context.Context, _ *events.Event) error {
			begun := time.Now()
			<-ctx.Done()
			limits = append(limits, time.Since(begun))
			return ctx.Err()
		})
		called := false
		last := events.HandlerFunc(func(ctx context.Context, _ *events.Event) error {
			called = ctx.Err() == nil
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		err := events.Chain(hang, hang, last).HandleEvent(ctx, &events.Event{})
		if !called || !errors.Is(err, context.DeadlineExceeded) || !slices.Equal(limits, []time.Duration{10 * time.Second, 10 * time.Second}) {
			t.Errorf("last called: %v; the others had %v; error %v", called, limits, err)
		}
	})
}

func TestChainOfNoHandlersPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic: every event would be lost")
		}
	}()
	events.Chain()
}
