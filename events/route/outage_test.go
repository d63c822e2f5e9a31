package route_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// A share of the events that always fail is no outage: all others are handled in time.
func TestHopelessEventsDelayNoOther(t *testing.T) {
	for _, percent := range []int{5, 10, 20, 33} {
		t.Run(fmt.Sprint(percent), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, uint64(percent)))
				hopeless := make(map[string]bool)
				h := &endpoint{}
				h.set(func(_ context.Context, e *events.Event) error {
					h.mu.Lock()
					defer h.mu.Unlock()
					if hopeless[e.ID] {
						return errRefused
					}
					return nil
				})
				tr := newTransport(newRouter(t, route.Destination{Name: "crm", Handler: h}))
				defer tr.close()
				const hours = 2 * 3600
				begun := time.Now()
				for n := range hours {
					h.mu.Lock()
					hopeless[fmt.Sprint(n)] = random.IntN(100) < percent
					h.mu.Unlock()
					tr.send(event(n))
					time.Sleep(time.Second)
				}
				time.Sleep(2 * time.Hour) // ten receives
				late, dead := 0, 0
				for n := range hours {
					if hopeless[fmt.Sprint(n)] {
						dead++
						continue
					}
					sent := begun.Add(time.Duration(n) * time.Second)
					if at, ok := h.handled(n); !ok || at.Sub(sent) > 5*time.Second {
						late++
					}
				}
				if late > 0 {
					t.Errorf("%d late", late)
				}
				t.Logf("%d of %d hopeless are dead, %d failures", tr.dead, dead, len(tr.failed()))
			})
		})
	}
}

// An outage returns no event to the transport, and after it all are handled at once.
func TestOutageCostsNoReceive(t *testing.T) {
	for name, begin := range map[string]func(*endpoint){"refuses": (*endpoint).refuse, "hangs": (*endpoint).hang} {
		for _, outage := range []time.Duration{10 * time.Minute, 4 * time.Hour} {
			t.Run(fmt.Sprint(name, outage), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := &endpoint{}
					router := newRouter(t, route.Destination{Name: "crm", Handler: h, Timeout: 10 * time.Second})
					tr := newTransport(router)
					defer tr.close()
					sent := tr.sendFor(time.Minute, 0)
					begin(h)
					sent = tr.sendFor(outage, sent)
					if s := router.Stats()[0]; s.State != route.Down || s.Held < int(outage/time.Second)-10 {
						t.Errorf("%+v", s)
					}
					h.succeed()
					up := time.Now()
					sent = tr.sendFor(5*time.Second, sent)
					synctest.Wait()
					tr.wantNoneReturned(t)
					h.wantHandled(t, sent, up, 5*time.Second)
					if s := router.Stats()[0]; s.State != route.Up || s.Held != 0 || s.Running != 0 {
						t.Errorf("%+v", s)
					}
				})
			})
		}
	}
}

// sendFor sends an event a second, from number n on, and returns the number of the next.
func (tr *transport) sendFor(d time.Duration, n int) int {
	for range int(d / time.Second) {
		tr.send(event(n))
		n++
		time.Sleep(time.Second)
	}
	return n
}

// Five events alone show nothing about the destination, and are not returned either.
func TestFewEventsInAnOutageAreNotReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &endpoint{}
		h.refuse()
		router := newRouter(t, route.Destination{Name: "crm", Handler: h})
		tr := newTransport(router)
		defer tr.close()
		for n := range 5 {
			tr.send(event(n))
			time.Sleep(time.Hour)
			if s := router.Stats()[0]; s.State != route.Up || s.Held != n+1 {
				t.Errorf("after %d events: %+v", n+1, s)
			}
		}
		time.Sleep(time.Hour)
		h.succeed()
		up := time.Now()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		h.wantHandled(t, 5, up, 5*time.Second)
		tr.wantNoneReturned(t)
	})
}

// A probe that hangs for an hour delays neither the next probe nor the end of the outage.
func TestHangingProbeIsNotWaitedFor(t *testing.T) {
	for _, limit := range []int{1, 64} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &endpoint{}
				h.refuse()
				router := newRouter(t, route.Destination{Name: "crm", Handler: h, Concurrency: limit, Timeout: time.Hour})
				tr := newTransport(router)
				defer tr.close()
				sent := tr.sendFor(100*time.Second, 0)
				h.hang()
				before := h.count()
				time.Sleep(4 * time.Hour)
				h.wantProbed(t, before, 3600)
				if s := router.Stats()[0]; s.LastError == context.Canceled.Error() {
					t.Error("a probe that was replaced counts as a failure")
				}
				h.succeed()
				up := time.Now()
				time.Sleep(5 * time.Second)
				synctest.Wait()
				h.wantHandled(t, sent, up, 5*time.Second)
				tr.wantNoneReturned(t)
			})
		})
	}
}

// wantProbed checks the calls from number first on: there are at least so many, with pauses
// of at most four seconds, and few at once.
func (h *endpoint) wantProbed(t *testing.T, first, atLeast int) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := first; i < len(h.began)-1; i++ {
		if pause := h.began[i+1].Sub(h.began[i]); pause > 4*time.Second {
			t.Errorf("no probe for %v", pause)
		}
	}
	if probes := len(h.began) - first; probes < atLeast || h.most > 64 || h.running > 8 {
		t.Errorf("%d probes, %d at once", probes, h.running)
	}
}

// A destination that takes a minute for each event recovers although it is probed more
// often than that.
func TestSlowDestinationRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &endpoint{}
		h.refuse()
		tr := newTransport(newRouter(t, route.Destination{Name: "crm", Handler: h}))
		defer tr.close()
		for n := range 100 {
			tr.send(event(n))
		}
		time.Sleep(time.Hour)
		h.set(func(ctx context.Context, _ *events.Event) error {
			select {
			case <-time.After(time.Minute):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		up := time.Now()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		h.wantHandled(t, 100, up, 5*time.Minute)
		tr.wantNoneReturned(t)
	})
}

func TestUnavailableDestinationGetsNothingMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &endpoint{}
		h.set(func(context.Context, *events.Event) error { return events.Unavailable(time.Minute, errRefused) })
		router := newRouter(t, route.Destination{Name: "crm", Handler: h})
		tr := newTransport(router)
		defer tr.close()
		tr.send(event(0))
		synctest.Wait()
		for n := range 59 {
			time.Sleep(time.Second)
			tr.send(event(1 + n))
		}
		synctest.Wait()
		if s := router.Stats()[0]; h.count() != 1 || s.State != route.Paused || s.Held != 60 || !router.Blocked() {
			t.Fatalf("%d calls, %+v, blocked %v", h.count(), s, router.Blocked())
		}
		h.succeed()
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if s := router.Stats()[0]; s.State != route.Up || s.Handled != 60 || len(tr.failed()) > 0 {
			t.Fatalf("%+v, returned %v", s, tr.failed())
		}
	})
}

// A destination that is up again is not given all events at once, and soon as many as it
// may have, in order of arrival.
func TestEventsThatWaitedAreRamped(t *testing.T) {
	for took, later := range map[time.Duration]int{200 * time.Millisecond: 200, 10 * time.Second: 0} {
		t.Run(took.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &endpoint{}
				h.refuse()
				router := newRouter(t, route.Destination{Name: "crm", Handler: h})
				tr := newTransport(router)
				defer tr.close()
				for n := range 5000 {
					tr.send(event(n))
				}
				time.Sleep(time.Minute)
				h.set(func(context.Context, *events.Event) error { time.Sleep(took); return nil })
				for router.Stats()[0].State != route.Up {
					h.mostAtOnce()
					time.Sleep(10 * time.Millisecond)
				}
				synctest.Wait()
				if _, most := h.mostAtOnce(); most < 8 || most > 12 {
					t.Errorf("%d calls at once in the beginning, want an eighth of 64", most)
				}
				for n := range later {
					tr.send(event(5000 + n))
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(2400 * time.Millisecond)
				synctest.Wait()
				if _, most := h.mostAtOnce(); most != 64 {
					t.Errorf("%d calls at once after two seconds, want 64", most)
				}
				h.wantNotCalled(t, 5000, later)
				time.Sleep(time.Hour)
				if s := router.Stats()[0]; s.Handled < 5000 || len(tr.failed()) > 0 {
					t.Errorf("%d handled, returned %d", s.Handled, len(tr.failed()))
				}
			})
		})
	}
}

// wantNotCalled checks that the endpoint has not been called for count events from number
// first on.
func (h *endpoint) wantNotCalled(t *testing.T, first, count int) {
	t.Helper()
	for n := first; n < first+count; n++ {
		if h.callsOf(n) > 0 {
			t.Fatalf("event %d has overtaken those that waited", n)
		}
	}
}
