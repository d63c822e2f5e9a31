package once_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/once"
)

var errDown = errors.New("CRM is down")

func TestARepeatIsADuplicate(t *testing.T) {
	h := &handler{}
	w := wrapped(t, h, once.Config{})
	expect(t, w, event(1), events.Handled)
	expect(t, w, event(1), events.Duplicate)
	expect(t, w, event(2), events.Handled)
	if h.calls.Load() != 2 {
		t.Errorf("the handler was called %d times", h.calls.Load())
	}
}

func TestWhatFailedIsTriedAgainAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, shared once.Store) {
		for n, failure := range []error{errDown, events.Permanent(errDown), events.RetryAfter(time.Minute, errDown), errors.Join(errDown, events.ErrDuplicate)} {
			h := &handler{answer: func(context.Context) error { return failure }}
			mine, theirs := wrapped(t, h, once.Config{Shared: shared}), wrapped(t, h, once.Config{Shared: shared})
			for _, w := range []events.Handler{mine, mine, theirs} {
				if outcome, err := deliver(t, w, event(n)); outcome != events.Failed || err != failure {
					t.Fatalf("%s, %v", outcome, err)
				}
			}
			h.answer = nil
			expect(t, mine, event(n), events.Handled)
			expect(t, theirs, event(n), events.Duplicate)
		}
	})
}

func TestAPanicIsAFailureLikeAnother(t *testing.T) {
	h := &handler{answer: func(context.Context) error { panic(errDown) }}
	w := wrapped(t, h, once.Config{})
	_, err := deliver(t, w, event(1))
	if panicked, ok := errors.AsType[*events.PanicError](err); !ok || panicked.Value != errDown || !strings.Contains(string(panicked.Stack), "TestAPanicIsAFailureLikeAnother") {
		t.Errorf("error %v", err)
	}
	h.answer = nil
	expect(t, w, event(1), events.Handled)
}

// A handler that has nothing to do with an event may have tomorrow; one that
// knows by itself of a repeat is believed.
func TestWhatTheHandlerSaysOfAnEvent(t *testing.T) {
	h := &handler{answer: func(context.Context) error { return events.ErrNoHandler }}
	w := wrapped(t, h, once.Config{})
	expect(t, w, event(1), events.Ignored)
	expect(t, w, event(1), events.Ignored)
	h.answer = func(context.Context) error { return fmt.Errorf("store: %w", events.ErrDuplicate) }
	expect(t, w, event(1), events.Duplicate)
	h.answer = nil
	expect(t, w, event(1), events.Duplicate)
	if h.calls.Load() != 3 {
		t.Errorf("the handler was called %d times", h.calls.Load())
	}
}

func TestEachHandlerOfAChainHasItsOwnState(t *testing.T) {
	everywhere(t, func(t *testing.T, shared once.Store) {
		if _, local := shared.(once.LocalMemory); local {
			shared = nil // it is of one handler only
		}
		store, forward := &handler{}, &handler{answer: func(context.Context) error { return errDown }}
		chain := events.Chain(
			wrapped(t, store, once.Config{Name: "store", Shared: shared}),
			wrapped(t, forward, once.Config{Name: "forward", Shared: shared}))
		expect(t, chain, event(1), events.Failed)
		expect(t, chain, event(1), events.Failed)
		forward.answer = nil
		expect(t, chain, event(1), events.Handled)
		expect(t, chain, event(1), events.Duplicate)
		if store.calls.Load() != 1 || forward.calls.Load() != 3 {
			t.Errorf("stored %d times, forwarded %d times", store.calls.Load(), forward.calls.Load())
		}
	})
}

func TestWhatIsInProgressComesAgainLater(t *testing.T) {
	for _, test := range []struct {
		receives int
		want     time.Duration
	}{{0, 2 * time.Second}, {1, 2 * time.Second}, {2, 10 * time.Second}, {3, 40 * time.Second}, {9, 40 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			shared := once.NewLocal(10)
			h := &handler{answer: func(ctx context.Context) error { <-ctx.Done(); return nil }}
			mine, theirs := wrapped(t, h, once.Config{Shared: shared}), wrapped(t, h, once.Config{Shared: shared})
			go deliver(t, mine, event(1)) // for 30 s
			synctest.Wait()
			e := event(1)
			e.ReceiveCount = test.receives
			for _, w := range []events.Handler{mine, theirs} {
				outcome, err := deliver(t, w, e)
				if d, ok := events.RetryDelay(err); outcome != events.Failed || !ok || d != test.want {
					t.Errorf("received %d times: %s, %v, want a retry after %s", test.receives, outcome, err, test.want)
				}
				if errors.Unwrap(err) != nil {
					t.Errorf("%v has a cause: it would count as an outage", err)
				}
			}
			time.Sleep(30 * time.Second)
			synctest.Wait()
			expect(t, mine, event(1), events.Duplicate)
			expect(t, theirs, event(1), events.Duplicate)
			if h.calls.Load() != 1 {
				t.Errorf("the handler was called %d times", h.calls.Load())
			}
		})
	}
}

// What a killed process had in hand is handled by another as soon as its lease
// has ended, and no sooner.
func TestALeaseOutlastsTheHandlersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := once.NewLocal(10)
		stuck := &handler{answer: func(context.Context) error { time.Sleep(time.Hour); return errDown }}
		killed := wrapped(t, stuck, once.Config{Shared: shared})
		go deliver(t, killed, event(1))
		synctest.Wait()
		alive := wrapped(t, &handler{}, once.Config{Shared: shared})
		time.Sleep(40*time.Second - time.Nanosecond)
		expect(t, alive, event(1), events.Failed)
		time.Sleep(time.Nanosecond)
		expect(t, alive, event(1), events.Handled)
		time.Sleep(time.Hour) // the other one's failure comes too late to undo it
		synctest.Wait()
		expect(t, alive, event(1), events.Duplicate)
	})
}

func TestAnEventIsRememberedForTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wrapped(t, &handler{}, once.Config{Window: time.Hour})
		expect(t, w, event(1), events.Handled)
		time.Sleep(time.Hour - time.Nanosecond)
		expect(t, w, event(1), events.Duplicate)
		time.Sleep(time.Nanosecond)
		expect(t, w, event(1), events.Handled)
		expect(t, w, event(1), events.Duplicate)
	})
}

func TestTheNewestEventsAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys = 10
		w := wrapped(t, &handler{}, once.Config{Keys: keys, Window: time.Hour})
		for n := range 3 * keys {
			expect(t, w, event(n), events.Handled)
			if n == keys {
				time.Sleep(time.Hour) // one that is too old and comes again takes no second place
				expect(t, w, event(n), events.Handled)
			}
		}
		for n := 2 * keys; n < 3*keys; n++ {
			expect(t, w, event(n), events.Duplicate)
		}
		expect(t, w, event(2*keys-1), events.Handled)
	})
}

// TestTwoWorkersRaceForAnEvent delivers a thousand events to two workers at once.
func TestTwoWorkersRaceForAnEvent(t *testing.T) {
	everywhere(t, func(t *testing.T, shared once.Store) {
		const many, atOnce = 1000, 4
		var calls [many]atomic.Int64
		h := events.HandlerFunc(func(_ context.Context, e *events.Event) error {
			var n int
			fmt.Sscanf(string(e.Raw), "%d", &n)
			calls[n].Add(1)
			return nil
		})
		workers := []events.Handler{wrapped(t, h, once.Config{Shared: shared}), wrapped(t, h, once.Config{Shared: shared})}
		var next, handled, repeated atomic.Int64
		var racing sync.WaitGroup
		for range atOnce {
			racing.Go(func() {
				for n := int(next.Add(1)) - 1; n < many; n = int(next.Add(1)) - 1 {
					var pair sync.WaitGroup
					for _, w := range workers {
						pair.Go(func() {
							switch insist(t, w, event(n)) {
							case events.Handled:
								handled.Add(1)
							case events.Duplicate:
								repeated.Add(1)
							}
						})
					}
					pair.Wait()
				}
			})
		}
		racing.Wait()
		for n := range calls {
			if calls[n].Load() != 1 {
				t.Errorf("event %d was handled %d times", n, calls[n].Load())
			}
		}
		if handled.Load() != many || repeated.Load() != many {
			t.Errorf("%d handled, %d duplicates", handled.Load(), repeated.Load())
		}
	})
}

// insist delivers an event until it is no longer in progress.
func insist(t *testing.T, w events.Handler, e *events.Event) events.Outcome {
	for {
		outcome, err := deliver(t, w, e)
		if outcome.Done() {
			return outcome
		}
		if _, later := events.RetryDelay(err); !later {
			t.Errorf("%v", err)
			return outcome
		}
	}
}

func TestAWrongConfigNamesAllFaults(t *testing.T) {
	_, err := once.New(once.Config{OnUnreachable: 7, Window: -time.Second, Keys: -1})
	want := "Name: required; handlers are told apart by it\nOnUnreachable: 7 is not Wait or AtLeastOnce\n" +
		"Window: -1s is negative\nKeys: -1 is not between 1 and 2147483647"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if field, ok := errors.AsType[*events.FieldError](err); !ok || field.Field != "Name" {
		t.Errorf("%v", err)
	}
}
