package once_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"wildix-worker/events"
	"wildix-worker/events/once"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// event returns the event of that number, which is of the usual size.
func event(n int) *events.Event {
	return &events.Event{ID: "call", Type: "call:end", ReceiveCount: 1, Raw: fmt.Appendf(nil, "%01000d", n)}
}

// A handler counts its calls and returns the result of a function, or nil without one.
type handler struct {
	calls  atomic.Int64
	result func(context.Context) error
}

func (h *handler) HandleEvent(ctx context.Context, _ *events.Event) error {
	h.calls.Add(1)
	if h.result == nil {
		return nil
	}
	return h.result(ctx)
}

// wrapped returns the handler as a separate process would wrap it. The default name is crm.
func wrapped(t testing.TB, h events.Handler, cfg once.Config) events.Handler {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "crm"
	}
	middleware, err := once.New(cfg)
	fatal(t, err)
	return middleware(h)
}

// deliver delivers an event and returns the outcome, with the error if it is Failed.
func deliver(t testing.TB, h events.Handler, e *events.Event) (events.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return events.Dispatch(ctx, h, e)
}

// expect delivers an event that must have this outcome.
func expect(t testing.TB, h events.Handler, e *events.Event, want events.Outcome) {
	t.Helper()
	if got, err := deliver(t, h, e); got != want {
		t.Fatalf("%s (%v), want %s", got, err, want)
	}
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
