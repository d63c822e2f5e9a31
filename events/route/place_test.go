package route_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// A place that was reserved is not used if the destination has gone down meanwhile.
func TestReservedPlaceIsNotUsedOnceDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &endpoint{}
		h.set(func(_ context.Context, e *events.Event) error {
			if e.ID == "0" {
				time.Sleep(time.Second)
				return nil
			}
			time.Sleep(time.Minute)
			return errRefused
		})
		router := newRouter(t, route.Destination{Name: "crm", Handler: h, Concurrency: 11})
		tr := newTransport(router)
		defer tr.close()
		for n := range 11 {
			tr.send(event(n))
		}
		synctest.Wait()
		var d events.Delivery
		defer d.End()
		ctx := events.WithDelivery(t.Context(), &d)
		err := router.HandleEvent(ctx, event(20))
		resumed := false
		events.OnResume(err, func() { resumed = true })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !resumed || router.Stats()[0].Running != 11 {
			t.Fatalf("resumed %v, %+v", resumed, router.Stats())
		}
		time.Sleep(time.Minute)
		expectState(t, router, route.Down)
		if err := router.HandleEvent(ctx, event(20)); !events.IsHold(err) || h.callsOf(20) > 0 {
			t.Errorf("%v after %d calls", err, h.callsOf(20))
		}
	})
}

// An event whose delivery ends while its handler runs does not wait afterwards.
func TestDeliveryThatEndsDuringACall(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, _ *transport) {
		var d events.Delivery
		h.set(func(context.Context, *events.Event) error {
			if h.callsOf(1) == 2 {
				d.End()
			}
			return errRefused
		})
		ctx := events.WithDelivery(t.Context(), &d)
		err := router.HandleEvent(ctx, event(1))
		events.OnResume(err, func() {
			if err := router.HandleEvent(ctx, event(1)); err == nil {
				t.Error("no error")
			}
		})
		time.Sleep(time.Hour)
		if s := router.Stats()[0]; h.count() != 2 || s.Held != 0 || s.Running != 0 {
			t.Errorf("%d calls, %+v", h.count(), s)
		}
	})
}

// A call that began late, and had too little time, shows nothing.
func TestCallWithTooLittleTimeShowsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, archive := &endpoint{}, &endpoint{}
		crm.hang()
		archive.set(func(ctx context.Context, e *events.Event) error {
			took := time.Second
			if e.ID == "0" {
				took = 59500 * time.Millisecond
			}
			select {
			case <-time.After(took):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		router := newRouter(t,
			route.Destination{Name: "crm", Handler: crm, When: func(e *events.Event) (bool, error) { return e.ID == "1", nil }},
			route.Destination{Name: "archive", Handler: archive, Concurrency: 1})
		tr := newTransport(router)
		tr.timeout = time.Minute
		defer tr.close()
		tr.send(event(0))
		synctest.Wait()
		tr.send(event(1))
		time.Sleep(62 * time.Second)
		synctest.Wait()
		if s := router.Stats()[1]; s.Handled != 2 || s.Failed != 0 || archive.callsOf(1) != 2 {
			t.Errorf("%d calls, %+v", archive.callsOf(1), s)
		}
	})
}

// While the destination is up, a suspect is tried within the limit.
func TestSuspectIsTriedWithinTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &endpoint{}
		h.refuse()
		tr := newTransport(newRouter(t, route.Destination{Name: "crm", Handler: h, Concurrency: 1}))
		defer tr.close()
		for n := range 3 {
			tr.send(event(n))
			time.Sleep(10 * time.Second)
		}
		h.set(func(context.Context, *events.Event) error { time.Sleep(time.Minute); return nil })
		time.Sleep(30 * time.Second)
		tr.send(event(3))
		time.Sleep(time.Hour)
		if _, most := h.mostAtOnce(); most != 1 {
			t.Errorf("%d calls at once, want 1", most)
		}
		for n := range 3 {
			if _, ok := h.handled(n); !ok {
				t.Errorf("event %d is not handled", n)
			}
		}
	})
}

// A call that does not end with its context keeps no place at another destination.
func TestPlaceIsNotKeptForACallThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck, narrow := &endpoint{}, &endpoint{}
		stuck.set(func(context.Context, *events.Event) error { time.Sleep(time.Hour); return nil })
		narrow.set(func(context.Context, *events.Event) error { time.Sleep(5 * time.Minute); return nil })
		tr := newTransport(newRouter(t,
			route.Destination{Name: "stuck", Handler: stuck, When: func(e *events.Event) (bool, error) { return e.ID == "1", nil }},
			route.Destination{Name: "narrow", Handler: narrow, Concurrency: 1}))
		tr.timeout = time.Minute
		defer tr.close()
		for n := range 3 {
			tr.send(event(n))
			synctest.Wait()
		}
		time.Sleep(11 * time.Minute)
		if _, ok := narrow.handled(2); !ok {
			t.Error("the place is kept for the event that is stuck")
		}
		time.Sleep(time.Hour)
		if _, ok := narrow.handled(1); !ok {
			t.Error("the event that was stuck is not handled")
		}
	})
}
