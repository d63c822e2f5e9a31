package events_test

import (
	"testing"

	"wildix-worker/events"
)

func TestHandlerThatHandlesNothingIsRefused(t *testing.T) {
	var empty, onlyMiddleware, one, fallback events.Mux
	onlyMiddleware.Use(func(next events.Handler) events.Handler { return next })
	one.Handle("call:end", failing(nil))
	fallback.Fallback(failing(nil))
	for _, test := range []struct {
		name string
		h    events.Handler
		ok   bool
	}{
		{"nil", nil, false},
		{"nil function", events.HandlerFunc(nil), false},
		{"nil Mux", (*events.Mux)(nil), false},
		{"empty Mux", &empty, false},
		{"Mux with middleware only", &onlyMiddleware, false},
		{"function", failing(nil), true},
		{"Mux with a pattern", &one, true},
		{"Mux with a fallback", &fallback, true},
	} {
		if err := events.CheckHandler(test.h); (err == nil) != test.ok {
			t.Errorf("%s: error %v", test.name, err)
		}
	}
}

// A transport can't see an empty Mux within a middleware.
func TestEmptyMuxDeletesNothing(t *testing.T) {
	if outcome, err := events.Dispatch(t.Context(), &events.Mux{}, &events.Event{Type: "call:end"}); outcome != events.Failed {
		t.Errorf("outcome %v, error %v", outcome, err)
	}
}
