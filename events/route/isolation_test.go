package route_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// A destination that is down, hangs, is slow or panics delays no other.
func TestOneDestinationDelaysNoOther(t *testing.T) {
	for name, handle := range map[string]func(context.Context, *events.Event) error{
		"down":     func(context.Context, *events.Event) error { return errRefused },
		"hangs":    func(ctx context.Context, _ *events.Event) error { <-ctx.Done(); return ctx.Err() },
		"slow":     func(context.Context, *events.Event) error { time.Sleep(5 * time.Minute); return nil },
		"panics":   func(context.Context, *events.Event) error { panic("bug") },
		"paused":   func(context.Context, *events.Event) error { return events.Unavailable(time.Minute, errRefused) },
		"too fast": func(context.Context, *events.Event) error { return events.RetryAfter(time.Minute, errRefused) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sick, healthy := &endpoint{handle: handle}, &endpoint{}
				tr := newTransport(newRouter(t,
					route.Destination{Name: "sick", Handler: sick},
					route.Destination{Name: "healthy", Handler: healthy}))
				defer tr.close()
				for n := range 3600 {
					tr.send(event(n))
					synctest.Wait()
					if at, ok := healthy.handled(n); !ok || !at.Equal(time.Now()) {
						t.Fatalf("event %d is not handled at once", n)
					}
					time.Sleep(time.Second)
				}
				for n := range 3600 {
					if calls := healthy.callsOf(n); calls != 1 && name != "too fast" {
						t.Fatalf("event %d: healthy called %d times", n, calls)
					}
				}
			})
		})
	}
}

func TestSuccessIsNotRepeatedWhileTheEventIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm, archive, other := &endpoint{}, &endpoint{}, &endpoint{}
		crm.refuse()
		asked := 0
		tr := newTransport(newRouter(t,
			route.Destination{Name: "crm", Handler: crm},
			route.Destination{Name: "archive", Handler: archive, When: func(*events.Event) (bool, error) { asked++; return true, nil }},
			route.Destination{Name: "other", Handler: other, On: []string{"presence:*"}}))
		defer tr.close()
		tr.send(event(1))
		time.Sleep(6 * time.Hour)
		crm.succeed()
		time.Sleep(5 * time.Second)
		if outcome, ok := tr.outcome(1); !ok || outcome != events.Handled {
			t.Fatalf("outcome %v", outcome)
		}
		if archive.callsOf(1) != 1 || asked != 1 || other.count() != 0 || len(tr.failed()) != 0 {
			t.Fatalf("archive called %d times, When %d times, other %d times, failures %v", archive.callsOf(1), asked, other.count(), tr.failed())
		}
		if crm.callsOf(1) < 6*3600/4 {
			t.Fatalf("probed %d times", crm.callsOf(1))
		}
	})
}

// A place that is reserved during a long call of another destination is used at once.
func TestPlaceIsUsedWhileAnotherDestinationRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &endpoint{handle: func(context.Context, *events.Event) error { time.Sleep(time.Minute); return nil }}
		narrow := &endpoint{handle: func(context.Context, *events.Event) error { time.Sleep(time.Second); return nil }}
		tr := newTransport(newRouter(t,
			route.Destination{Name: "slow", Handler: slow},
			route.Destination{Name: "narrow", Handler: narrow, Concurrency: 1}))
		defer tr.close()
		begun := time.Now()
		for n := range 10 {
			tr.send(event(n))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if narrow.most != 1 {
			t.Errorf("%d calls at once, want 1", narrow.most)
		}
		for n := range 10 {
			if at, ok := narrow.handled(n); !ok || at.Sub(begun) > 10*time.Second {
				t.Errorf("event %d handled after %v", n, at.Sub(begun))
			}
			if outcome, ok := tr.outcome(n); !ok || outcome != events.Handled {
				t.Errorf("event %d: %v", n, outcome)
			}
		}
	})
}

func TestConcurrencyLimitInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &endpoint{handle: func(context.Context, *events.Event) error { time.Sleep(time.Second); return nil }}
		tr := newTransport(newRouter(t, route.Destination{Name: "crm", Handler: h, Concurrency: 4}))
		defer tr.close()
		for n := range 400 {
			tr.send(event(n))
			synctest.Wait()
		}
		begun := time.Now()
		time.Sleep(100 * time.Second)
		synctest.Wait()
		for n := range 400 {
			if at, ok := h.handled(n); !ok || at.Sub(begun) != time.Duration(n/4+1)*time.Second {
				t.Fatalf("event %d handled after %v", n, at.Sub(begun))
			}
		}
		if h.most != 4 {
			t.Errorf("%d calls at once, want 4", h.most)
		}
	})
}

func TestReservedPlaceIsFreedWhenTheDeliveryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &endpoint{handle: func(context.Context, *events.Event) error { time.Sleep(time.Second); return nil }}
		router := newRouter(t, route.Destination{Name: "crm", Handler: h, Concurrency: 1})
		tr := newTransport(router)
		defer tr.close()
		tr.send(event(0))
		synctest.Wait()
		// Ten that wait, and whose deliveries end before or after they are resumed.
		for n := range 10 {
			var d events.Delivery
			err := router.HandleEvent(events.WithDelivery(t.Context(), &d), event(100+n))
			if !events.IsHold(err) {
				t.Fatal(err)
			}
			events.OnResume(err, func() {
				if n%2 == 1 {
					go d.End()
				}
			})
			if n%2 == 0 {
				time.AfterFunc(time.Duration(n)*200*time.Millisecond, d.End)
			}
		}
		tr.send(event(1))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if outcome, ok := tr.outcome(1); !ok || outcome != events.Handled {
			t.Fatalf("event behind them: %v, %v; %+v", outcome, ok, router.Stats())
		}
		if s := router.Stats()[0]; s.Running != 0 || s.Held != 0 {
			t.Fatalf("left: %+v", s)
		}
	})
}
