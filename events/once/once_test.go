package once_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/once"
)

var errDown = errors.New("CRM is down")

func TestRepeatedEventIsADuplicate(t *testing.T) {
	h := &handler{}
	w := wrapped(t, h, once.Config{})
	expect(t, w, event(1), events.Handled)
	expect(t, w, event(1), events.Duplicate)
	expect(t, w, event(2), events.Handled)
	if h.calls.Load() != 2 {
		t.Errorf("the handler was called %d times", h.calls.Load())
	}
}

func TestPanicIsAFailure(t *testing.T) {
	h := &handler{result: func(context.Context) error { panic(errDown) }}
	w := wrapped(t, h, once.Config{})
	_, err := deliver(t, w, event(1))
	if panicked, ok := errors.AsType[*events.PanicError](err); !ok || panicked.Value != errDown || !strings.Contains(string(panicked.Stack), "TestPanicIsAFailure") {
		t.Errorf("error %v", err)
	}
	h.result = nil
	expect(t, w, event(1), events.Handled)
}

// A later version of the handler may handle an event that this one ignores.
func TestIgnoredEventIsNotRememberedButTheHandlersDuplicateIs(t *testing.T) {
	h := &handler{result: func(context.Context) error { return events.ErrNoHandler }}
	w := wrapped(t, h, once.Config{})
	expect(t, w, event(1), events.Ignored)
	expect(t, w, event(1), events.Ignored)
	h.result = func(context.Context) error { return events.ErrDuplicate }
	expect(t, w, event(1), events.Duplicate)
	h.result = nil
	expect(t, w, event(1), events.Duplicate)
	if h.calls.Load() != 3 {
		t.Errorf("the handler was called %d times", h.calls.Load())
	}
}

func TestEventInProgressIsDeliveredAgainLater(t *testing.T) {
	for _, test := range []struct {
		receives int
		want     time.Duration
	}{{0, 2 * time.Second}, {1, 2 * time.Second}, {2, 10 * time.Second}, {3, 40 * time.Second}, {9, 40 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			shared := once.NewLocalStore(10)
			h := &handler{result: func(ctx context.Context) error { <-ctx.Done(); return nil }}
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
					t.Errorf("%v has a reason, so it would count as a failure", err)
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

// An event of a process that was killed is handled by another one as soon as its lease
// has ended, and no sooner.
func TestLeaseEndsTenSecondsAfterTheHandlersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := once.NewLocalStore(10)
		stuck := &handler{result: func(context.Context) error { time.Sleep(time.Hour); return errDown }}
		killed := wrapped(t, stuck, once.Config{Shared: shared})
		go deliver(t, killed, event(1))
		synctest.Wait()
		alive := wrapped(t, &handler{}, once.Config{Shared: shared})
		time.Sleep(40*time.Second - time.Nanosecond)
		expect(t, alive, event(1), events.Failed)
		time.Sleep(time.Nanosecond)
		expect(t, alive, event(1), events.Handled)
		time.Sleep(time.Hour) // the failure of the other one comes too late to undo it
		synctest.Wait()
		expect(t, alive, event(1), events.Duplicate)
	})
}

func TestEventIsRememberedForTheWindow(t *testing.T) {
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

func TestNewestEventsAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys = 10
		w := wrapped(t, &handler{}, once.Config{Keys: keys, Window: time.Hour})
		for n := range 3 * keys {
			expect(t, w, event(n), events.Handled)
			if n == keys {
				time.Sleep(time.Hour) // one that expired and is handled again takes no second slot
				expect(t, w, event(n), events.Handled)
			}
		}
		for n := 2 * keys; n < 3*keys; n++ {
			expect(t, w, event(n), events.Duplicate)
		}
		expect(t, w, event(2*keys-1), events.Handled)
	})
}

func TestConfigErrorNamesEveryInvalidField(t *testing.T) {
	_, err := once.New(once.Config{OnUnreachable: 7, Window: -time.Second, Keys: -1})
	want := "Name: required; it identifies the handler\nOnUnreachable: 7 is not Wait or AtLeastOnce\n" +
		"Window: -1s is negative\nKeys: -1 is not between 1 and 2147483647"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if field, ok := errors.AsType[*events.FieldError](err); !ok || field.Field != "Name" {
		t.Errorf("%v", err)
	}
}
