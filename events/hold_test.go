package events_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
)

var errDown = errors.New("destination down")

func TestHold(t *testing.T) {
	var registered func()
	err := events.Hold(func(resume func()) { registered = resume }, errDown)
	if !events.IsHold(err) || !errors.Is(err, errDown) || err.Error() != "held: destination down" {
		t.Fatalf("got %v", err)
	}
	resumed := false
	if !events.OnResume(err, func() { resumed = true }) || registered == nil {
		t.Fatal("not registered")
	}
	if registered(); !resumed {
		t.Fatal("not resumed")
	}
	if joined := errors.Join(err, errors.New("other")); events.IsHold(joined) || events.OnResume(joined, func() {}) {
		t.Fatal("a joined error is a failure, not a hold")
	}
	if events.OnResume(nil, nil) {
		t.Fatal("nil is no hold")
	}
}

func TestHoldResumesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		h := events.HandlerFunc(func(context.Context, *events.Event) error {
			if calls++; calls == 1 {
				return events.Hold(func(resume func()) {
					resume()
					resume()
				}, errDown)
			}
			return nil
		})
		if outcome, err := events.DispatchHeld(t.Context(), h, &events.Event{}); outcome != events.Handled || calls != 2 {
			t.Fatalf("got %v, %v after %d calls", outcome, err, calls)
		}
	})
}

func TestHoldThatCannotBeRegisteredEndsSoon(t *testing.T) {
	for name, notify := range map[string]func(func()){"nil": nil, "panics": func(func()) { panic("broken") }} {
		synctest.Test(t, func(t *testing.T) {
			resumed := make(chan struct{})
			begun := time.Now()
			if !events.OnResume(events.Hold(notify, errDown), func() { close(resumed) }) {
				t.Fatalf("%s: no hold", name)
			}
			<-resumed
			if took := time.Since(begun); took != 5*time.Second {
				t.Errorf("%s: resumed after %v", name, took)
			}
		})
	}
}

func TestDispatchHeldContinuesWithTheSameDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended bool
		calls := 0
		h := events.HandlerFunc(func(ctx context.Context, _ *events.Event) error {
			d := events.DeliveryOf(ctx)
			count := d.State("owner", func() any { d2 := 0; return &d2 }).(*int)
			calls++
			if *count++; *count < 3 {
				return events.Hold(func(resume func()) { time.AfterFunc(time.Minute, resume) }, errDown)
			}
			d.OnEnd(func() { ended = true })
			return nil
		})
		begun := time.Now()
		outcome, err := events.DispatchHeld(t.Context(), h, &events.Event{})
		if outcome != events.Handled || err != nil || calls != 3 || time.Since(begun) != 2*time.Minute || !ended {
			t.Fatalf("got %v, %v after %d calls and %v, ended %v", outcome, err, calls, time.Since(begun), ended)
		}
	})
}

func TestDispatchHeldEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		h := events.HandlerFunc(func(context.Context, *events.Event) error {
			return events.Hold(func(func()) {}, errDown)
		})
		if outcome, err := events.DispatchHeld(ctx, h, &events.Event{}); outcome != events.Failed || !events.IsHold(err) {
			t.Fatalf("got %v, %v", outcome, err)
		}
	})
}

func TestUnavailable(t *testing.T) {
	err := events.Unavailable(time.Minute, errDown)
	if d, ok := events.UnavailableFor(err); !ok || d != time.Minute {
		t.Errorf("UnavailableFor: %v, %v", d, ok)
	}
	if d, ok := events.RetryDelay(err); !ok || d != time.Minute || !errors.Is(err, errDown) {
		t.Errorf("RetryDelay: %v, %v", d, ok)
	}
	if _, ok := events.UnavailableFor(events.RetryAfter(time.Minute, errDown)); ok {
		t.Error("RetryAfter concerns one event")
	}
}

func TestDeliveryOnEndAfterEnd(t *testing.T) {
	var d events.Delivery
	d.End()
	called := false
	if d.OnEnd(func() { called = true }); !called {
		t.Error("not called")
	}
	if events.DeliveryOf(t.Context()) != nil {
		t.Error("delivery of nowhere")
	}
}

func TestDeliveryKeepsAStateForEachOwner(t *testing.T) {
	var d events.Delivery
	for range 2 {
		for owner := range 3 {
			if got := d.State(owner, func() any { return owner * 10 }); got != owner*10 {
				t.Errorf("owner %d has %v", owner, got)
			}
		}
	}
}

func TestJoinedErrorsArePermanentIfAllAre(t *testing.T) {
	lost := events.Permanent(errDown)
	for _, test := range []struct {
		err  error
		want bool
	}{
		{errors.Join(lost, lost), true},
		{errors.Join(lost, errors.Join(lost, lost)), true},
		{errors.Join(lost, errDown), false},
		{errors.Join(lost, errors.Join(lost, errDown)), false},
	} {
		if got := events.IsPermanent(test.err); got != test.want {
			t.Errorf("%v: got %v", test.err, got)
		}
	}
}
