package route_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// version returns a destination of the endpoint.
func version(name, version string, h events.Handler) route.Destination {
	return route.Destination{Name: name, Version: version, Handler: h}
}

func replace(t *testing.T, router *route.Router, destinations ...route.Destination) *route.Change {
	t.Helper()
	change, err := router.Replace(destinations)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

func (h *endpoint) wantCalls(t *testing.T, name string, want int) {
	t.Helper()
	if calls := h.count(); calls != want {
		t.Errorf("%s was called %d times, want %d", name, calls, want)
	}
}

func (tr *transport) wantOutcome(t *testing.T, n int, want events.Outcome) {
	t.Helper()
	if outcome, ok := tr.outcome(n); !ok || outcome != want {
		t.Errorf("event %d: %v, %v, want %v", n, outcome, ok, want)
	}
}

func TestReplaceSaysWhatHasChanged(t *testing.T) {
	h := &endpoint{}
	router := newRouter(t, version("a", "1", h), version("b", "1", h), version("c", "1", h))
	change := replace(t, router, version("d", "1", h), version("c", "2", h), version("a", "1", h))
	got := fmt.Sprint(change.Added, change.Changed, change.Removed, change.Kept)
	if want := "[d] [c] [b] [a]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	var names []string
	for _, s := range router.Stats() {
		names = append(names, s.Name)
	}
	if want := []string{"d", "c", "a"}; !slices.Equal(names, want) {
		t.Errorf("destinations %q, want %q", names, want)
	}
	if err := change.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReplaceRefusesWrongDestinations(t *testing.T) {
	h := &endpoint{}
	router := newRouter(t, version("a", "1", h))
	if _, err := router.Replace([]route.Destination{version("b", "1", h), version("b", "1", nil)}); err == nil {
		t.Error("no error")
	}
	if err := router.HandleEvent(t.Context(), event(0)); err != nil || router.Stats()[0].Name != "a" {
		t.Errorf("%v, %+v", err, router.Stats())
	}
}

// A destination that has not changed notices nothing: neither its circuit nor the events that
// wait for it.
func TestReplaceKeepsADestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, unused := &endpoint{}, &endpoint{}
		router := newRouter(t, version("crm", "1", crm))
		tr := newTransport(router)
		defer tr.close()
		crm.refuse()
		sent := tr.sendFor(time.Minute, 0)
		before := router.Stats()[0]
		replace(t, router, version("new", "1", &endpoint{}), version("crm", "1", unused))
		synctest.Wait()
		if after := router.Stats()[1]; before.State != route.Down || after != before {
			t.Errorf("%+v, before %+v", after, before)
		}
		crm.succeed()
		up := time.Now()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		crm.wantHandled(t, sent, up, 5*time.Second)
		unused.wantCalls(t, "the unused handler", 0)
		tr.wantNoneReturned(t)
	})
}

// Whatever an event waits for at a destination that changes, it goes on with the new one at
// once, and the old one is not called again.
func TestEventsThatWaitGoToTheChangedDestination(t *testing.T) {
	busy := func(context.Context, *events.Event) error { time.Sleep(time.Hour); return nil }
	for name, test := range map[string]struct {
		handle  func(context.Context, *events.Event) error
		events  int
		running int // calls that the change does not end
	}{
		"down":             {func(context.Context, *events.Event) error { return errRefused }, 100, 0},
		"paused":           {func(context.Context, *events.Event) error { return events.Unavailable(time.Minute, errRefused) }, 5, 0},
		"suspect":          {func(context.Context, *events.Event) error { return errRefused }, 3, 0},
		"busy":             {busy, 5, 1},
		"held by handler":  {func(context.Context, *events.Event) error { return events.Hold(func(func()) {}, errRefused) }, 3, 0},
		"probes that hang": {func(ctx context.Context, _ *events.Event) error { <-ctx.Done(); return ctx.Err() }, 20, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old, changed := &endpoint{}, &endpoint{}
				old.set(test.handle)
				d := version("crm", "1", old)
				d.Concurrency = 1
				d.Timeout = 2 * time.Hour
				router := newRouter(t, d)
				tr := newTransport(router)
				tr.timeout = 3 * time.Hour
				defer tr.close()
				for n := range test.events {
					tr.send(event(n))
				}
				time.Sleep(10 * time.Second)
				calls := old.count()
				replace(t, router, version("crm", "2", changed))
				synctest.Wait()
				changed.wantCalls(t, "the changed destination", test.events-test.running)
				time.Sleep(30 * time.Minute)
				old.wantCalls(t, "the old destination", calls)
				tr.wantNoneReturned(t)
				if s := router.Stats()[0]; s.Held != 0 || s.Running != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// An event that has failed at a destination, and is held for another, goes to the changed one
// at once too.
func TestEventThatFailedGoesToTheChangedDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, fixed, archive := &endpoint{}, &endpoint{}, &endpoint{}
		router := newRouter(t, version("crm", "1", crm), version("archive", "1", archive))
		tr := newTransport(router)
		defer tr.close()
		archive.refuse()
		crm.set(func(_ context.Context, e *events.Event) error {
			if e.ID == "0" {
				return events.RetryAfter(time.Hour, errRefused)
			}
			return nil
		})
		tr.send(event(0))
		synctest.Wait()
		replace(t, router, version("crm", "2", fixed), version("archive", "1", archive))
		synctest.Wait()
		fixed.wantCalls(t, "the changed destination", 1)
		archive.succeed()
		time.Sleep(5 * time.Second)
		tr.wantOutcome(t, 0, events.Handled)
		crm.wantCalls(t, "the old destination", 1)
	})
}

// So does one that has failed for good, with the next dispatch.
func TestPermanentFailureIsForgottenAtAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, fixed, archive := &endpoint{}, &endpoint{}, &endpoint{}
		router := newRouter(t, version("crm", "1", crm), version("archive", "1", archive))
		tr := newTransport(router)
		defer tr.close()
		archive.refuse()
		crm.set(func(context.Context, *events.Event) error { return events.Permanent(errRefused) })
		tr.send(event(0))
		synctest.Wait()
		replace(t, router, version("crm", "2", fixed), version("archive", "1", archive))
		archive.succeed()
		time.Sleep(5 * time.Second)
		fixed.wantCalls(t, "the changed destination", 1)
		tr.wantOutcome(t, 0, events.Handled)
	})
}

func TestSuccessIsNotRepeatedAfterAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, changed, archive := &endpoint{}, &endpoint{}, &endpoint{}
		router := newRouter(t, version("crm", "1", crm), version("archive", "1", archive))
		tr := newTransport(router)
		defer tr.close()
		archive.refuse()
		sent := tr.sendFor(time.Minute, 0)
		replace(t, router, version("crm", "2", changed), version("archive", "1", archive))
		archive.succeed()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		crm.wantCalls(t, "the old destination", sent)
		changed.wantCalls(t, "the changed destination", 0)
		for n := range sent {
			tr.wantOutcome(t, n, events.Handled)
		}
	})
}

// A call that is running at the change ends as it would, and its success counts.
func TestRunningCallOfARetiredDestination(t *testing.T) {
	for name, test := range map[string]struct {
		result  error
		removed bool
		calls   int // of the changed destination
		outcome events.Outcome
	}{
		"success, changed":           {nil, false, 0, events.Handled},
		"success, removed":           {nil, true, 0, events.Handled},
		"duplicate, changed":         {events.ErrDuplicate, false, 0, events.Duplicate},
		"failure, changed":           {errRefused, false, 1, events.Handled},
		"permanent failure, changed": {events.Permanent(errRefused), false, 1, events.Handled},
		"hold, changed":              {events.Hold(func(func()) {}, nil), false, 1, events.Handled},
		"failure, removed":           {errRefused, true, 0, events.Ignored},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				crm, changed := &endpoint{}, &endpoint{}
				crm.set(func(context.Context, *events.Event) error { time.Sleep(time.Minute); return test.result })
				router := newRouter(t, version("crm", "1", crm))
				tr := newTransport(router)
				defer tr.close()
				tr.send(event(0))
				synctest.Wait()
				next := version("crm", "2", changed)
				if test.removed {
					next.Name, next.On = "other", []string{events.CallStart}
				}
				change := replace(t, router, next)
				wantWait(t, change, false)
				time.Sleep(59 * time.Second)
				wantWait(t, change, false)
				time.Sleep(2 * time.Second)
				wantWait(t, change, true)
				crm.wantCalls(t, "the old destination", 1)
				changed.wantCalls(t, "the changed destination", test.calls)
				tr.wantOutcome(t, 0, test.outcome)
			})
		})
	}
}

// wantWait checks whether the calls of the retired destinations have ended.
func wantWait(t *testing.T, change *route.Change, ended bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := change.Wait(ctx)
	if ended && err != nil || !ended && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait returns %v; have all calls ended: %v", err, ended)
	}
}

func TestRemovedDestinationGetsNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, archive := &endpoint{}, &endpoint{}
		crm.refuse()
		only := version("archive", "1", archive)
		only.When = func(e *events.Event) (bool, error) { return e.ID != "1", nil }
		router := newRouter(t, version("crm", "1", crm), only)
		tr := newTransport(router)
		defer tr.close()
		tr.send(event(0))
		tr.send(event(1))
		synctest.Wait()
		replace(t, router, only)
		synctest.Wait()
		tr.wantOutcome(t, 0, events.Handled)
		tr.wantOutcome(t, 1, events.Ignored)
		time.Sleep(time.Hour)
		crm.wantCalls(t, "the removed destination", 2)
		archive.wantCalls(t, "the other destination", 1)
	})
}

func TestNewDestinationGetsNewEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, added := &endpoint{}, &endpoint{}
		crm.refuse()
		router := newRouter(t, version("crm", "1", crm))
		tr := newTransport(router)
		defer tr.close()
		tr.send(event(0))
		synctest.Wait()
		replace(t, router, version("crm", "2", crm), version("added", "1", added))
		tr.send(event(1))
		synctest.Wait()
		crm.succeed()
		time.Sleep(time.Minute)
		if added.callsOf(0) != 0 || added.callsOf(1) != 1 {
			t.Errorf("%d calls for an earlier event, %d for a new one", added.callsOf(0), added.callsOf(1))
		}
		tr.wantOutcome(t, 0, events.Handled)
		tr.wantOutcome(t, 1, events.Handled)
	})
}

// An event that waited for a destination is not lost if that has another name now, and one
// that it had is not repeated.
func TestDestinationWithAnotherNameGetsWhatWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, archive, renamed := &endpoint{}, &endpoint{}, &endpoint{}
		router := newRouter(t, version("crm", "1", crm), version("archive", "1", archive))
		tr := newTransport(router)
		defer tr.close()
		archive.refuse()
		tr.send(event(0))
		synctest.Wait()
		crm.refuse()
		tr.send(event(1))
		synctest.Wait()
		replace(t, router, version("salesforce", "1", renamed), version("archive", "1", archive))
		archive.succeed()
		time.Sleep(time.Minute)
		if renamed.callsOf(0) != 0 || renamed.callsOf(1) != 1 {
			t.Errorf("%d calls for an event that was done, %d for one that waited", renamed.callsOf(0), renamed.callsOf(1))
		}
		tr.wantOutcome(t, 0, events.Handled)
		tr.wantOutcome(t, 1, events.Handled)
	})
}

// One that has an event, was removed, and is back, does not get it again with what waited for
// another that is gone.
func TestDestinationThatIsBackGetsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, back, archive, other := &endpoint{}, &endpoint{}, &endpoint{}, &endpoint{}
		archive.refuse()
		other.refuse()
		router := newRouter(t, version("crm", "1", crm), version("archive", "1", archive), version("other", "1", other))
		tr := newTransport(router)
		defer tr.close()
		tr.send(event(0))
		synctest.Wait()
		replace(t, router, version("archive", "2", archive), version("other", "1", other))
		synctest.Wait()
		replace(t, router, version("crm", "1", back), version("archive", "2", archive))
		archive.succeed()
		time.Sleep(time.Minute)
		tr.wantOutcome(t, 0, events.Handled)
		back.wantCalls(t, "the destination that is back", 0)
	})
}

// A changed destination gets what it was chosen for before and wants now.
func TestChangedSelectionHoldsForEventsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, changed := &endpoint{}, &endpoint{}
		crm.refuse()
		router := newRouter(t, version("crm", "1", crm))
		tr := newTransport(router)
		defer tr.close()
		for n := range 3 {
			tr.send(event(n))
		}
		synctest.Wait()
		next := version("crm", "2", changed)
		next.When = func(e *events.Event) (bool, error) {
			if e.ID == "2" {
				return false, errors.New("no such field")
			}
			return e.ID == "0", nil
		}
		replace(t, router, next)
		synctest.Wait()
		tr.wantOutcome(t, 0, events.Handled)
		tr.wantOutcome(t, 1, events.Ignored)
		tr.wantOutcome(t, 2, events.Failed)
		changed.wantCalls(t, "the changed destination", 1)
	})
}

// Without a delivery, the transport calls again by itself, and finds the new destinations.
func TestReplaceWithoutADelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, changed := &endpoint{}, &endpoint{}
		crm.set(func(context.Context, *events.Event) error { time.Sleep(time.Minute); return errRefused })
		router := newRouter(t, version("crm", "1", crm))
		result := make(chan error)
		go func() { result <- router.HandleEvent(t.Context(), event(0)) }()
		synctest.Wait()
		replace(t, router, version("crm", "2", changed))
		if err := <-result; !errors.Is(err, errRefused) {
			t.Error(err)
		}
		if err := router.HandleEvent(t.Context(), event(0)); err != nil || changed.count() != 1 {
			t.Errorf("%v after %d calls", err, changed.count())
		}
	})
}

// An event whose delivery ends at the change stays nowhere.
func TestDeliveryThatEndsAtAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, changed := &endpoint{}, &endpoint{}
		crm.refuse()
		changed.refuse()
		router := newRouter(t, version("crm", "1", crm))
		tr := newTransport(router)
		tr.send(event(0))
		synctest.Wait()
		go tr.close()
		replace(t, router, version("crm", "2", changed))
		time.Sleep(time.Hour)
		if s := router.Stats()[0]; s.Held != 0 || s.Running != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Also one whose delivery ends just while the event goes on with the new destinations.
func TestDeliveryThatEndsWhileTheEventGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, changed := &endpoint{}, &endpoint{}
		crm.refuse()
		changed.refuse()
		router := newRouter(t, version("crm", "1", crm))
		var d events.Delivery
		ctx := events.WithDelivery(t.Context(), &d)
		if err := router.HandleEvent(ctx, event(0)); !events.IsHold(err) {
			t.Fatal(err)
		}
		next := version("crm", "2", changed)
		next.When = func(*events.Event) (bool, error) { d.End(); return true, nil }
		replace(t, router, next)
		if err := router.HandleEvent(ctx, event(0)); err == nil {
			t.Error("no error")
		}
		if s := router.Stats()[0]; s.Held != 0 || s.Running != 0 || changed.count() != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A place that was reserved for an event at a destination that is retired then is free again,
// and the event goes to the changed one.
func TestReservedPlaceOfARetiredDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, changed := &endpoint{}, &endpoint{}
		crm.set(func(context.Context, *events.Event) error { time.Sleep(time.Minute); return nil })
		only := version("crm", "1", crm)
		only.Concurrency = 1
		router := newRouter(t, only)
		tr := newTransport(router)
		defer tr.close()
		tr.send(event(0))
		synctest.Wait()
		var d events.Delivery
		defer d.End()
		ctx := events.WithDelivery(t.Context(), &d)
		resumed := false
		events.OnResume(router.HandleEvent(ctx, event(1)), func() { resumed = true })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		change := replace(t, router, version("crm", "2", changed))
		if err := router.HandleEvent(ctx, event(1)); err != nil || !resumed || changed.count() != 1 || crm.count() != 1 {
			t.Errorf("%v, resumed %v, %d calls of the changed destination, %d of the old one", err, resumed, changed.count(), crm.count())
		}
		wantWait(t, change, true)
	})
}

// A probe that hangs at a retired destination may take its time, since it may succeed.
func TestProbesOfARetiredDestinationEndAsTheyWould(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, changed := &endpoint{}, &endpoint{}
		crm.refuse()
		router := newRouter(t, version("crm", "1", crm))
		tr := newTransport(router)
		defer tr.close()
		for n := range 20 {
			tr.send(event(n))
		}
		synctest.Wait()
		crm.set(func(ctx context.Context, _ *events.Event) error {
			select {
			case <-time.After(time.Minute):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		time.Sleep(5 * time.Second)
		probes := router.Stats()[0].Running
		change := replace(t, router, version("crm", "2", changed))
		time.Sleep(2 * time.Minute)
		if probes < 2 || changed.count() != 20-probes {
			t.Errorf("%d probes, %d calls of the changed destination", probes, changed.count())
		}
		wantWait(t, change, true)
		tr.wantNoneReturned(t)
	})
}
