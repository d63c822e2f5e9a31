package route_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

func returns(err error) events.Handler {
	return events.HandlerFunc(func(context.Context, *events.Event) error { return err })
}

func TestResults(t *testing.T) {
	lost := events.Permanent(errRefused)
	for name, test := range map[string]struct {
		results []error
		want    string
	}{
		"handled":                  {[]error{nil}, "handled <nil>"},
		"duplicate":                {[]error{events.ErrDuplicate}, "duplicate <nil>"},
		"ignored":                  {[]error{events.ErrNoHandler}, "ignored <nil>"},
		"handled and duplicate":    {[]error{events.ErrDuplicate, nil, events.ErrNoHandler}, "handled <nil>"},
		"duplicate and ignored":    {[]error{events.ErrNoHandler, events.ErrDuplicate, events.ErrNoHandler}, "duplicate <nil>"},
		"permanent":                {[]error{lost}, "failed d0: permanent: connection refused, permanent"},
		"permanent and handled":    {[]error{nil, lost}, "failed d1: permanent: connection refused, permanent"},
		"all permanent":            {[]error{lost, lost}, "failed d0: permanent: connection refused\nd1: permanent: connection refused, permanent"},
		"too early":                {[]error{events.RetryAfter(time.Minute, nil)}, "failed d0: retry after 1m0s, delay 1m0s"},
		"too early and permanent":  {[]error{events.RetryAfter(time.Minute, nil), lost}, "failed d0: retry after 1m0s\nd1: permanent: connection refused, delay 1m0s"},
		"asks for a delay":         {[]error{events.RetryAfter(time.Minute, errRefused)}, "failed d0: retry after 1m0s: connection refused, delay 1m0s"},
		"wrapped sentinel":         {[]error{fmt.Errorf("x: %w", events.ErrDuplicate)}, "failed held: waits for d0 (failed: x: event handled before), held"},
		"failure and handled":      {[]error{errRefused, nil}, "failed held: waits for d0 (failed: connection refused), held"},
		"failure and permanent":    {[]error{errRefused, lost}, "failed held: waits for d0 (failed: connection refused), held"},
		"unavailable":              {[]error{events.Unavailable(time.Minute, errRefused)}, "failed held: waits for d0 (paused: unavailable for 1m0s: connection refused), held"},
		"two failures":             {[]error{errRefused, errRefused}, "failed held: waits for d0 (failed: connection refused), d1 (failed: connection refused), held"},
		"the handler asks to hold": {[]error{events.Hold(func(func()) {}, errRefused)}, "failed held: waits for d0 (held), held"},
	} {
		t.Run(name, func(t *testing.T) {
			var destinations []route.Destination
			for i, err := range test.results {
				destinations = append(destinations, route.Destination{Name: fmt.Sprint("d", i), Handler: returns(err)})
			}
			router := newRouter(t, destinations...)
			var d events.Delivery
			defer d.End()
			outcome, err := events.Dispatch(events.WithDelivery(t.Context(), &d), router, event(1))
			got := fmt.Sprint(outcome, " ", err)
			if events.IsPermanent(err) {
				got += ", permanent"
			}
			if delay, ok := events.RetryDelay(err); ok {
				got += fmt.Sprint(", delay ", delay)
			}
			if events.IsHold(err) {
				got += ", held"
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestPanicsAreFailures(t *testing.T) {
	panics := func(*events.Event) (bool, error) { panic(events.ErrNoHandler) }
	archive := &endpoint{}
	router := newRouter(t,
		route.Destination{Name: "crm", Handler: &endpoint{}, When: panics},
		route.Destination{Name: "archive", Handler: archive})
	outcome, err := events.Dispatch(t.Context(), router, event(1))
	if outcome != events.Failed || err.Error() != "crm: handler panicked: no handler for this type of event" || archive.count() != 1 {
		t.Errorf("got %v, %v, archive called %d times", outcome, err, archive.count())
	}
	router = newRouter(t, route.Destination{Name: "crm", Handler: events.HandlerFunc(func(context.Context, *events.Event) error {
		panic(events.ErrDuplicate)
	})})
	if outcome, err := events.Dispatch(t.Context(), router, event(1)); outcome != events.Failed || err == nil {
		t.Errorf("got %v, %v", outcome, err)
	}
}

func TestErrorOfWhenIsAFailure(t *testing.T) {
	for _, failure := range []error{events.ErrNoHandler, events.ErrDuplicate, events.Permanent(errors.New("no field")), errors.New("no field")} {
		crm, archive := &endpoint{}, &endpoint{}
		router := newRouter(t,
			route.Destination{Name: "crm", Handler: crm, When: func(*events.Event) (bool, error) { return false, failure }},
			route.Destination{Name: "archive", Handler: archive})
		outcome, err := events.Dispatch(t.Context(), router, event(1))
		if outcome != events.Failed || err.Error() != "crm: when: "+failure.Error() || events.IsPermanent(err) != events.IsPermanent(failure) {
			t.Errorf("%v: got %v, %v", failure, outcome, err)
		}
		if crm.count() != 0 || archive.count() != 1 {
			t.Errorf("%v: crm called %d times, archive %d times", failure, crm.count(), archive.count())
		}
	}
}

// A handler that ends its goroutine keeps no place, and the event fails.
func TestHandlerThatEndsItsGoroutine(t *testing.T) {
	for _, names := range [][]string{{"exits"}, {"exits", "archive"}, {"archive", "exits"}} {
		synctest.Test(t, func(t *testing.T) {
			var destinations []route.Destination
			for _, name := range names {
				h := &endpoint{}
				if name == "exits" {
					h.set(func(context.Context, *events.Event) error { runtime.Goexit(); return nil })
				}
				destinations = append(destinations, route.Destination{Name: name, Handler: h})
			}
			router := newRouter(t, destinations...)
			err := errors.New("none")
			go func() {
				var d events.Delivery
				defer d.End()
				err = router.HandleEvent(events.WithDelivery(t.Context(), &d), event(1))
			}()
			synctest.Wait()
			if err == nil {
				t.Errorf("%v: handled", names)
			}
			for _, s := range router.Stats() {
				if s.Running != 0 || s.Held != 0 {
					t.Errorf("%v: %+v", names, s)
				}
			}
		})
	}
}

// When a handler ends the goroutine of a dispatch, the message is delivered again.
func TestNoCallRunsAfterADispatchThatWasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, exiting := &endpoint{}, &endpoint{}
		slow.set(func(context.Context, *events.Event) error { time.Sleep(time.Minute); return nil })
		exiting.set(func(context.Context, *events.Event) error { runtime.Goexit(); return nil })
		router := newRouter(t, route.Destination{Name: "slow", Handler: slow}, route.Destination{Name: "exits", Handler: exiting})
		begun, ended := time.Now(), make(chan struct{})
		go func() {
			defer close(ended)
			var d events.Delivery
			defer d.End()
			router.HandleEvent(events.WithDelivery(t.Context(), &d), event(1))
		}()
		<-ended
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("ended after %s, before the call of the other destination", took)
		}
	})
}

// Without a Delivery a failure is returned, and nothing stays behind.
func TestWithoutADelivery(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, _ *transport) {
		h.refuse()
		for n := range 10 {
			if err := router.HandleEvent(t.Context(), event(n)); !errors.Is(err, errRefused) {
				t.Fatal(err)
			}
		}
		err := router.HandleEvent(t.Context(), event(10))
		if !events.IsHold(err) {
			t.Fatal(err)
		}
		resumed := false
		events.OnResume(err, func() { resumed = true })
		time.Sleep(time.Second)
		synctest.Wait()
		if s := router.Stats()[0]; !resumed || s.Held != 0 || s.Running != 0 {
			t.Errorf("%+v", s)
		}
		h.succeed()
		time.Sleep(3 * time.Second)
		if err := router.HandleEvent(t.Context(), event(10)); err != nil {
			t.Error(err)
		}
		expectState(t, router, route.Up)
	})
}

// A stop says nothing about the destination.
func TestStopShowsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, _ *transport) {
		h.hang()
		ctx, stop := context.WithCancel(t.Context())
		for n := range 20 {
			go func() {
				var d events.Delivery
				defer d.End()
				if err := router.HandleEvent(events.WithDelivery(ctx, &d), event(n)); !errors.Is(err, context.Canceled) || events.IsHold(err) {
					t.Errorf("got %v", err)
				}
			}()
		}
		synctest.Wait()
		stop()
		synctest.Wait()
		if s := router.Stats()[0]; s.State != route.Up || s.Held != 0 || s.Running != 0 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// An event that is being handled when the program stops is not held for another destination.
func TestStopEndsAHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down, slow := &endpoint{}, &endpoint{}
		down.refuse()
		slow.hang()
		router := newRouter(t, route.Destination{Name: "down", Handler: down}, route.Destination{Name: "slow", Handler: slow})
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, stop)
		var d events.Delivery
		err := router.HandleEvent(events.WithDelivery(ctx, &d), event(1))
		if !errors.Is(err, context.Canceled) || events.IsHold(err) {
			t.Errorf("got %v", err)
		}
		d.End()
		synctest.Wait()
		for _, s := range router.Stats() {
			if s.Held != 0 || s.Running != 0 {
				t.Errorf("%+v", s)
			}
		}
	})
}

// An event that fails at one destination while it is held for another is tried there with
// growing delays, and its failure is returned in the end.
func TestOwnFailureIsTriedAgainWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, archive := &endpoint{}, &endpoint{}
		crm.refuse()
		archive.set(func(_ context.Context, e *events.Event) error {
			if e.ID == "0" {
				return errors.New("bad row")
			}
			return nil
		})
		tr := newTransport(newRouter(t,
			route.Destination{Name: "crm", Handler: crm},
			route.Destination{Name: "archive", Handler: archive}))
		defer tr.close()
		tr.send(event(0))
		for n := range 3600 {
			time.Sleep(time.Second)
			tr.send(event(1 + n))
		}
		if calls := archive.callsOf(0); calls < 8 || calls > 40 {
			t.Errorf("%d calls in an hour", calls)
		}
		if len(tr.failed()) > 0 {
			t.Errorf("returned %v", tr.failed())
		}
		crm.succeed()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if failed := tr.failed(); len(failed) != 1 || failed[0].err.Error() != "archive: bad row" {
			t.Errorf("returned %v", failed)
		}
	})
}

// A failure that was the event's own says nothing about the next one.
func TestOwnFailureIsFollowedByAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, archive := &endpoint{}, &endpoint{}
		crm.refuse()
		archive.set(func(_ context.Context, e *events.Event) error {
			if e.ID == "0" {
				return errRefused
			}
			return nil
		})
		tr := newTransport(newRouter(t,
			route.Destination{Name: "crm", Handler: crm},
			route.Destination{Name: "archive", Handler: archive}))
		defer tr.close()
		tr.send(event(0))
		synctest.Wait()
		tr.send(event(1)) // shows that archive is up
		time.Sleep(2 * time.Second)
		archive.refuse()
		time.Sleep(time.Hour)
		crm.succeed()
		time.Sleep(time.Minute)
		if len(tr.failed()) > 0 {
			t.Errorf("returned %v", tr.failed())
		}
		archive.succeed()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if outcome, ok := tr.outcome(0); !ok || outcome != events.Handled {
			t.Error(outcome, ok)
		}
	})
}

func TestHoldOfTheHandler(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		var resume func()
		h.set(func(context.Context, *events.Event) error {
			if resume == nil {
				return events.Hold(func(f func()) { resume = f }, errRefused)
			}
			return nil
		})
		tr.send(event(1))
		time.Sleep(time.Hour)
		if s := router.Stats()[0]; h.count() != 1 || s.Held != 1 || s.Failed != 0 {
			t.Errorf("%d calls, %+v", h.count(), s)
		}
		resume()
		synctest.Wait()
		if outcome, ok := tr.outcome(1); !ok || outcome != events.Handled {
			t.Error(outcome, ok)
		}
	})
}
