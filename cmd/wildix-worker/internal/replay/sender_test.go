package replay

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/internal/backoff"
)

// answers returns a handler that returns these errors, the last one from then on.
func answers(errs ...error) events.HandlerFunc {
	return func(context.Context, *events.Event) error {
		err := errs[0]
		if len(errs) > 1 {
			errs = errs[1:]
		}
		return err
	}
}

func TestEventIsTriedAgainIfThatMayHelp(t *testing.T) {
	down, refused := errors.New("connection refused"), events.Permanent(errors.New("status 400"))
	for name, c := range map[string]struct {
		h      events.Handler
		waits  []time.Duration // zero for one of backoff
		result error
	}{
		"at once":                {answers(nil), nil, nil},
		"a repeat":               {answers(events.ErrDuplicate), nil, nil},
		"no output":              {answers(events.ErrNoHandler), nil, events.ErrNoHandler},
		"permanent":              {answers(refused), nil, refused},
		"after an outage":        {answers(down, down, nil), []time.Duration{0, 0}, nil},
		"when it said":           {answers(events.Unavailable(7*time.Second, down), events.RetryAfter(3*time.Second, nil), nil), []time.Duration{7 * time.Second, 3 * time.Second}, nil},
		"permanent after a wait": {answers(down, refused), []time.Duration{0}, refused},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var waits []time.Duration
				s := &sender{handler: c.h, timeout: time.Minute, delay: backoff.Exponential{Min: time.Second, Max: time.Minute}, waiting: func(_ error, d time.Duration) { waits = append(waits, d) }}
				begun := time.Now()
				if err := s.send(t.Context(), &events.Event{}); !errors.Is(err, c.result) || c.result == nil && err != nil {
					t.Errorf("got %v, want %v", err, c.result)
				}
				var total time.Duration
				for i, d := range waits {
					total += d
					if i >= len(c.waits) || c.waits[i] != 0 && d != c.waits[i] {
						t.Errorf("waits are %v, want %v", waits, c.waits)
					}
				}
				if len(waits) != len(c.waits) || time.Since(begun) != total {
					t.Errorf("waited %v in %s, want %v", waits, time.Since(begun), c.waits)
				}
			})
		})
	}
}

func TestReplayGivesUpAfterTenTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := 0
		s := &sender{handler: answers(errors.New("status 500")), timeout: time.Minute, delay: backoff.Exponential{Min: time.Second, Max: time.Minute}, waiting: func(error, time.Duration) { waits++ }}
		err := s.send(t.Context(), &events.Event{})
		if _, ok := errors.AsType[*gaveUpError](err); !ok || err.Error() != "failed 10 times, the last time: status 500" || waits != 9 {
			t.Errorf("got %v after %d waits", err, waits)
		}
	})
}

// Ctrl-C does not interrupt the try that is under way, but the wait for another.
func TestInterruptLetsTheTryFinish(t *testing.T) {
	for _, result := range []error{nil, errors.New("status 500")} {
		t.Run(fmt.Sprint(result), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, interrupt := context.WithCancel(t.Context())
				h := events.HandlerFunc(func(ctx context.Context, _ *events.Event) error {
					interrupt()
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(5 * time.Second):
						return result
					}
				})
				s := &sender{handler: h, timeout: time.Minute, delay: backoff.Exponential{Min: time.Second, Max: time.Minute}, waiting: func(error, time.Duration) {}}
				begun := time.Now()
				err := s.send(ctx, &events.Event{})
				if (result == nil) != (err == nil) || result != nil && !errors.Is(err, errInterrupted) || time.Since(begun) != 5*time.Second {
					t.Errorf("got %v after %s", err, time.Since(begun))
				}
			})
		})
	}
}

func TestPaceLimitsEventsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, begun := &pace{perSecond: 4}, time.Now()
		for range 9 {
			if !p.wait(t.Context()) {
				t.Fatal("interrupted")
			}
		}
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("took %s, want 2s", took)
		}
		time.Sleep(time.Hour) // a pause saves up nothing
		begun = time.Now()
		for range 3 {
			p.wait(t.Context())
		}
		if took := time.Since(begun); took != time.Second/2 {
			t.Errorf("took %s, want 500ms", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if p.wait(ctx) || (&pace{}).wait(ctx) {
			t.Error("goes on after the end of the context")
		}
	})
}
