package events_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/signature"
)

// named returns a handler whose error is its name.
func named(name string) events.Handler {
	return events.HandlerFunc(func(context.Context, *events.Event) error { return errors.New(name) })
}

func TestMostSpecificPatternTakesPrecedence(t *testing.T) {
	mux := &events.Mux{}
	mux.Handle("call:*", named("call:*"))
	mux.Handle("call:live:*", named("call:live:*"))
	mux.Handle("call:end", named("call:end"))
	mux.Handle("sms:status", named("sms:status"))
	mux.Fallback(named("fallback"))
	for eventType, want := range map[string]string{
		"call:end":           "call:end",
		"call:end:late":      "call:*",
		"call:start":         "call:*",
		"call:":              "call:*",
		"call:live:progress": "call:live:*",
		"call":               "fallback",
		"sms:status":         "sms:status",
		"sms:status:new":     "fallback",
	} {
		if err := mux.HandleEvent(t.Context(), &events.Event{Type: eventType}); err.Error() != want {
			t.Errorf("%s went to %v, want %s", eventType, err, want)
		}
	}
}

func TestMuxIgnoresOtherTypes(t *testing.T) {
	var mux events.Mux
	mux.Handle("call:end", failing(nil))
	if outcome, err := events.Dispatch(t.Context(), &mux, &events.Event{Type: "call:start"}); outcome != events.Ignored {
		t.Errorf("got %v, %v", outcome, err)
	}
}

func TestMiddlewareRunsInOrderAroundEverything(t *testing.T) {
	var order []string
	trace := func(name string) events.Middleware {
		return func(next events.Handler) events.Handler {
			return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
				order = append(order, name)
				return next.HandleEvent(ctx, e)
			})
		}
	}
	mux := &events.Mux{}
	mux.Use(trace("outer"))
	mux.Use(trace("middle"), trace("inner"))
	mux.HandleEvent(t.Context(), &events.Event{Type: "no handler"})
	if got := fmt.Sprint(order); got != "[outer middle inner]" {
		t.Errorf("order %s", got)
	}
}

func TestHandlePanicsOnInvalidPatterns(t *testing.T) {
	for name, register := range map[string]func(*events.Mux){
		"empty":        func(m *events.Mux) { m.Handle("", named("")) },
		"star inside":  func(m *events.Mux) { m.Handle("call:*:end", named("")) },
		"two stars":    func(m *events.Mux) { m.Handle("call:**", named("")) },
		"nil":          func(m *events.Mux) { m.Handle("call:end", nil) },
		"nil function": func(m *events.Mux) { m.Handle("call:end", events.HandlerFunc(nil)) },
		"nil fallback": func(m *events.Mux) { m.Fallback((*events.Mux)(nil)) },
		"twice":        func(m *events.Mux) { m.Handle("a", named("")); m.Handle("a", named("")) },
		"prefix twice": func(m *events.Mux) { m.Handle("a*", named("")); m.Handle("a*", named("")) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			register(&events.Mux{})
		})
	}
}

func TestRetryAfterAndPermanentSurviveWrapping(t *testing.T) {
	err := fmt.Errorf("save: %w", events.RetryAfter(time.Minute, errors.New("busy")))
	if d, ok := events.RetryDelay(err); !ok || d != time.Minute || events.IsPermanent(err) {
		t.Errorf("delay %v %v", d, ok)
	}
	err = fmt.Errorf("save: %w", events.Permanent(errors.New("no such customer")))
	if _, ok := events.RetryDelay(err); ok || !events.IsPermanent(err) {
		t.Errorf("%v is not permanent", err)
	}
	if events.RetryAfter(-time.Second, nil) == nil || events.Permanent(nil) == nil {
		t.Error("no error without a reason: the event would be lost")
	}
}

func TestDispatchReturnsTheOutcome(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name string
		err  error
		want events.Outcome
	}{
		{"nil", nil, events.Handled},
		{"no handler", events.ErrNoHandler, events.Ignored},
		{"no handler, wrapped", fmt.Errorf("crm: %w", events.ErrNoHandler), events.Failed},
		{"duplicate, wrapped", fmt.Errorf("crm: %w", events.ErrDuplicate), events.Failed},
		{"no handler, joined alone", errors.Join(events.ErrNoHandler), events.Failed},
		{"no handler, permanent", events.Permanent(events.ErrNoHandler), events.Failed},
		{"equal to everything", isAnyError{}, events.Failed},
		{"duplicate", events.ErrDuplicate, events.Duplicate},
		{"error", broken, events.Failed},
		{"no handler and a failure", errors.Join(events.ErrNoHandler, broken), events.Failed},
		{"duplicate and a failure", fmt.Errorf("%w, %w", events.ErrDuplicate, broken), events.Failed},
		{"an error of signatures", signature.ErrMismatch, events.Failed},
		{"an error of decoding", events.ErrMalformed, events.Failed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := events.HandlerFunc(func(context.Context, *events.Event) error { return test.err })
			got, err := events.Dispatch(t.Context(), h, &events.Event{})
			if got != test.want {
				t.Errorf("outcome %v, want %v", got, test.want)
			}
			if (err == nil) != got.Done() {
				t.Errorf("outcome %v with error %v", got, err)
			}
		})
	}
}

func TestDispatchReturnsAPanicWithItsStack(t *testing.T) {
	h := events.HandlerFunc(func(context.Context, *events.Event) error { panic("no such customer") })
	outcome, err := events.Dispatch(t.Context(), h, &events.Event{})
	var p *events.PanicError
	if outcome != events.Failed || !errors.As(err, &p) || p.Value != "no such customer" || len(p.Stack) == 0 {
		t.Errorf("outcome %v, error %v", outcome, err)
	}
}

func TestDecodeSignedVerifiesBeforeItDecodes(t *testing.T) {
	ring, err := signature.NewKeyring(
		signature.Key{IntegrationID: "one", Secret: "secret of one"},
		signature.Key{IntegrationID: "two", Secret: "secret of two"})
	if err != nil {
		t.Fatal(err)
	}
	const ofOne = `{"id":"1","type":"call:end","time":1693389850810,"integrationId":"one"}`
	const ofNone = `{"id":"1","type":"call:end","time":1693389850810}`
	tests := []struct {
		name, body, secret string
		want               events.Outcome
		err                error
	}{
		{"valid", ofOne, "secret of one", 0, nil},
		{"claims no integration", ofNone, "secret of two", 0, nil},
		{"claims another integration", ofOne, "secret of two", events.Rejected, events.ErrOtherIntegration},
		{"forged", ofOne, "guess", events.Rejected, signature.ErrMismatch},
		{"forged and not JSON", "{", "guess", events.Rejected, signature.ErrMismatch},
		{"signed and not JSON", "{", "secret of one", events.Malformed, events.ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, outcome, err := events.DecodeSigned(ring, []byte(test.body), signature.Sign(test.secret, []byte(test.body)))
			if !errors.Is(err, test.err) || (err != nil && outcome != test.want) || (e == nil) != (err != nil) {
				t.Errorf("got %v, %v, %v; want %v, %v", e, outcome, err, test.want, test.err)
			}
		})
	}
}

func TestDecodeSignedFailsWhileTheKeysCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "secrets")
		if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		ring, err := signature.LoadKeyring(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		body := []byte(`{"id":"1","type":"call:end","time":1693389850810}`)
		e, outcome, err := events.DecodeSigned(ring, body, signature.Sign("new secret", body))
		if e != nil || outcome != events.Failed || !errors.Is(err, signature.ErrUnavailable) {
			t.Errorf("got %v, %v, %v", e, outcome, err)
		}
	})
}

func TestErrorsHaveTheirCauseInText(t *testing.T) {
	cause := errors.New("cause")
	for _, test := range []struct {
		err   error
		text  string
		wraps bool
	}{
		{events.RetryAfter(time.Minute, cause), "retry after 1m0s: cause", true},
		{events.RetryAfter(time.Minute, nil), "retry after 1m0s", false},
		{events.Permanent(cause), "permanent: cause", true},
		{events.Permanent(nil), "permanent", false},
		{&events.PanicError{Value: cause}, "handler panicked: cause", false},
		{&events.PanicError{Value: "text"}, "handler panicked: text", false},
		{&events.FieldError{Field: "Name", Err: cause}, "Name: cause", true},
	} {
		if test.err.Error() != test.text || errors.Is(test.err, cause) != test.wraps {
			t.Errorf("error %v, wraps its cause: %t; want %s, %t", test.err, errors.Is(test.err, cause), test.text, test.wraps)
		}
	}
}

func TestOutcomeNames(t *testing.T) {
	var names []string
	for o := range events.Outcome(events.Outcomes) {
		names = append(names, o.String())
	}
	if got := fmt.Sprint(names); got != "[failed handled ignored duplicate rejected malformed]" {
		t.Errorf("the names are %s", got)
	}
	if got := events.Outcome(events.Outcomes).String(); got != "outcome(6)" {
		t.Errorf("an unknown outcome is %s", got)
	}
}
