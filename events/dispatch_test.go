package events_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
)

// An isAnyError claims to be every error.
type isAnyError struct{}

func (isAnyError) Error() string   { return "anything" }
func (isAnyError) Is(error) bool   { return true }
func (isAnyError) Unwrap() error   { return errors.New("cause") }
func (isAnyError) Temporary() bool { return true }

// A panic with any value is a failure that another try may help.
func TestPanicIsNeverSuccess(t *testing.T) {
	down := errors.New("down")
	for _, value := range []any{
		events.ErrNoHandler, events.ErrDuplicate, fmt.Errorf("crm: %w", events.ErrNoHandler), isAnyError{},
		events.Permanent(down), events.Hold(func(func()) {}, down), events.RetryAfter(time.Hour, down), events.Unavailable(time.Hour, down),
	} {
		t.Run(fmt.Sprint(value), func(t *testing.T) {
			panics := events.HandlerFunc(func(context.Context, *events.Event) error { panic(value) })
			nested := events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
				_, err := events.Dispatch(ctx, panics, e)
				return err
			})
			for name, h := range map[string]events.Handler{"alone": panics, "returned": nested} {
				outcome, err := events.Dispatch(t.Context(), h, &events.Event{})
				_, delayed := events.RetryDelay(err)
				_, unavailable := events.UnavailableFor(err)
				if outcome != events.Failed || err == nil || events.IsPermanent(err) || events.IsHold(err) || delayed || unavailable {
					t.Errorf("%s: outcome %v, error %v", name, outcome, err)
				}
				if panicked, ok := errors.AsType[*events.PanicError](err); !ok || fmt.Sprint(panicked.Value) != fmt.Sprint(value) {
					t.Errorf("%s: error %v has no panic", name, err)
				}
			}
		})
	}
}

// A nilError panics if it is nil.
type nilError struct{ cause error }

func (e *nilError) Error() string { return "crm: " + e.cause.Error() }
func (e *nilError) Unwrap() error { return e.cause }

// An asAnyError claims to be an error of every type, without being one.
type asAnyError struct{}

func (asAnyError) Error() string { return "anything" }
func (asAnyError) As(any) bool   { return true }

func TestUnusableErrorIsAFailureThatSaysSo(t *testing.T) {
	var null *nilError
	for _, test := range []struct {
		name string
		err  error
		text string
	}{
		{"nil pointer", null, "handler returned a nil *events_test.nilError as its error"},
		{"wrapped nil pointer", fmt.Errorf("crm: %w", null), "methods panic"},
		{"joined nil pointer", errors.Join(null), "methods panic"},
		{"no cause", &nilError{}, "methods panic"},
		{"of every type", asAnyError{}, "whose method As is true of every type: anything"},
	} {
		t.Run(test.name, func(t *testing.T) {
			outcome, err := events.Dispatch(t.Context(), failing(test.err), &events.Event{})
			if outcome != events.Failed || !strings.Contains(err.Error(), test.text) {
				t.Errorf("outcome %v, error %v, want one with %q", outcome, err, test.text)
			}
			if _, ok := events.RetryDelay(err); ok || events.IsPermanent(err) || events.IsHold(err) {
				t.Errorf("error %v has a meaning", err)
			}
		})
	}
}

// failing returns a handler that returns err.
func failing(err error) events.Handler {
	return events.HandlerFunc(func(context.Context, *events.Event) error { return err })
}
