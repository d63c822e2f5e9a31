package route_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// inBubble runs a test with a router of one destination, and a transport.
func inBubble(t *testing.T, test func(t *testing.T, h *endpoint, router *route.Router, tr *transport)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &endpoint{}
		router := newRouter(t, route.Destination{Name: "crm", Handler: h})
		tr := newTransport(router)
		defer tr.close()
		test(t, h, router, tr)
	})
}

func expectState(t *testing.T, router *route.Router, want route.State) {
	t.Helper()
	synctest.Wait()
	if s := router.Stats()[0]; s.State != want {
		t.Fatalf("state is %v, want %v: %+v", s.State, want, s)
	}
}

func TestTenFirstAttemptsOpenTheCircuit(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		h.refuse()
		for n := range 9 {
			tr.send(event(n))
		}
		tr.send(event(8)) // the same content
		time.Sleep(time.Minute)
		expectState(t, router, route.Up)
		tr.send(event(9))
		expectState(t, router, route.Down)
		before := h.count()
		for n := range 100 {
			tr.send(event(10 + n))
		}
		synctest.Wait()
		if more := h.count() - before; more > 1 {
			t.Errorf("%d calls while down, want one probe at most", more)
		}
	})
}

func TestRetriesNeverOpenTheCircuit(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		h.refuse()
		for n := range 1000 {
			e := event(n)
			e.ReceiveCount = 2
			tr.send(e)
		}
		time.Sleep(time.Hour)
		expectState(t, router, route.Up)
		h.set(func(context.Context, *events.Event) error { time.Sleep(200 * time.Millisecond); return nil })
		for router.Stats()[0].Handled == 0 {
			h.mostAtOnce()
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(100 * time.Millisecond)
		if _, most := h.mostAtOnce(); most > 16 {
			t.Errorf("%d calls at once in the beginning, want an eighth of 64", most)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s := router.Stats()[0]; s.Handled != 1000 || len(tr.failed()) > 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestSuccessBetweenFailuresKeepsTheCircuitClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		for n := range 200 {
			h.refuse()
			if n%10 == 9 {
				h.succeed()
			}
			tr.send(event(n))
			expectState(t, router, route.Up)
		}
	})
}

// An event is at fault if it fails again after another has succeeded, and not before.
func TestFailureIsReturnedAfterASuccessOfAnotherEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		h.set(func(_ context.Context, e *events.Event) error {
			if e.ID == "1" {
				return errRefused
			}
			return nil
		})
		tr.send(event(0)) // a success before the failure shows nothing
		synctest.Wait()
		tr.send(event(1))
		time.Sleep(time.Hour)
		if len(tr.failed()) > 0 {
			t.Fatalf("returned %v", tr.failed())
		}
		tr.send(event(2))
		time.Sleep(time.Second)
		synctest.Wait()
		if failed := tr.failed(); len(failed) != 1 || !errors.Is(failed[0].err, errRefused) || failed[0].err.Error() != "crm: connection refused" {
			t.Fatalf("returned %v", failed)
		}
		if s := router.Stats()[0]; s.Held != 0 || s.State != route.Up || s.LastError != "connection refused" {
			t.Errorf("%+v", s)
		}
	})
}

// A success of a call that began before the failure shows nothing.
func TestSuccessOfAnEarlierCallClearsNoSuspect(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, _ *route.Router, tr *transport) {
		h.set(func(context.Context, *events.Event) error { time.Sleep(20 * time.Second); return nil })
		for n := range 5 {
			tr.send(event(n))
			time.Sleep(time.Second)
		}
		h.refuse()
		tr.send(event(9))
		time.Sleep(time.Minute)
		if len(tr.failed()) > 0 {
			t.Fatalf("returned %v", tr.failed())
		}
	})
}

// Ten events that always fail in a quiet hour make no other late.
func TestHopelessEventsInAQuietHour(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, _ *route.Router, tr *transport) {
		h.set(func(_ context.Context, e *events.Event) error {
			if len(e.ID) == 4 {
				return errRefused
			}
			return nil
		})
		for n := range 12 {
			tr.send(event(1000 + n))
		}
		for n := range 99 {
			time.Sleep(time.Minute)
			sent := time.Now()
			tr.send(event(n))
			time.Sleep(4 * time.Second)
			if at, ok := h.handled(n); !ok || at.Sub(sent) > 4*time.Second {
				t.Fatalf("event %d is late", n)
			}
		}
		time.Sleep(3 * time.Hour)
	})
}

// A probe that fails for good is followed by another at once.
func TestPermanentFailureOfAProbe(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		h.refuse()
		for n := range 20 {
			tr.send(event(n))
		}
		time.Sleep(time.Minute)
		before := time.Now()
		h.set(func(_ context.Context, e *events.Event) error {
			if e.ID != "7" {
				return events.Permanent(errRefused)
			}
			return nil
		})
		time.Sleep(4 * time.Second)
		expectState(t, router, route.Up)
		if failed := tr.failed(); len(failed) == 0 || !events.IsPermanent(failed[0].err) {
			t.Fatalf("returned %v", failed)
		}
		if at, ok := h.handled(7); !ok || at.Sub(before) > 4*time.Second {
			t.Errorf("handled %v after %v", ok, at.Sub(before))
		}
	})
}

// A destination that is up for two seconds of every twenty gets its events all the same.
func TestFlapping(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, _ *route.Router, tr *transport) {
		h.set(func(context.Context, *events.Event) error {
			time.Sleep(100 * time.Millisecond)
			if time.Now().Unix()%20 >= 4 {
				return errRefused
			}
			return nil
		})
		for n := range 3600 {
			tr.send(event(n))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		late := 0
		for n := range 3600 {
			if _, ok := h.handled(n); !ok {
				late++
			}
		}
		// Some that failed just before it went down again are taken for hopeless.
		if late > 0 || len(tr.failed()) > 100 || tr.dead > 0 {
			t.Errorf("%d not handled, %d returned, %d dead", late, len(tr.failed()), tr.dead)
		}
		t.Logf("%d returned, %d calls", len(tr.failed()), h.count())
	})
}

// A herd that brings a destination down which serves eight at once, and no more.
func TestHerdIsStopped(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, _ *route.Router, tr *transport) {
		h.refuse()
		for n := range 2000 {
			tr.send(event(n))
		}
		time.Sleep(time.Minute)
		before := h.count()
		h.set(func(context.Context, *events.Event) error {
			h.mu.Lock()
			many := h.running > 32
			h.mu.Unlock()
			time.Sleep(200 * time.Millisecond)
			if many {
				return errRefused
			}
			return nil
		})
		time.Sleep(30 * time.Minute) // the transport's delays after five failures are ten, and after six 21
		t.Logf("%d calls, %d handled, %d returned", h.count()-before, len(h.last), len(tr.failed()))
		if len(h.last) < 2000 {
			t.Errorf("%d handled", len(h.last))
		}
	})
}
