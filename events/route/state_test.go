package route_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

func TestBlockedWhileNoDestinationNeedsAnEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, h *endpoint, router *route.Router, tr *transport) {
		if router.Blocked() {
			t.Fatal("blocked while up")
		}
		h.refuse()
		for n := range 10 {
			tr.send(event(n))
		}
		expectState(t, router, route.Down)
		for range 100 {
			if !router.Blocked() {
				t.Fatal("not blocked, though events wait")
			}
			time.Sleep(time.Second)
		}
		tr.close()
		asked := 0
		for range 60 {
			if !router.Blocked() {
				asked++
			}
			time.Sleep(time.Second)
		}
		if asked < 15 || asked > 20 {
			t.Errorf("asked for %d events in a minute, want one every three to four seconds", asked)
		}
	})
}

func TestBlockedWhileEventsWaitForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy, idle := &endpoint{}, &endpoint{}
		busy.set(func(context.Context, *events.Event) error { time.Sleep(time.Minute); return nil })
		only := route.Destination{Name: "busy", Handler: busy, Concurrency: 1}
		router := newRouter(t, only)
		both := newRouter(t, only, route.Destination{Name: "idle", Handler: idle})
		tr, trBoth := newTransport(router), newTransport(both)
		defer tr.close()
		defer trBoth.close()
		for n := range 2 {
			if router.Blocked() {
				t.Errorf("blocked by %d events", n)
			}
			tr.send(event(n))
			trBoth.send(event(n))
			synctest.Wait()
		}
		if !router.Blocked() || !both.Blocked() {
			t.Errorf("blocked %v; with an idle destination %v, want true", router.Blocked(), both.Blocked())
		}
		time.Sleep(61 * time.Second)
		if router.Blocked() {
			t.Error("blocked, though no event waits")
		}
	})
}

func TestLogsOneLineForEachChangeOfState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		h := &endpoint{}
		router, err := route.New(route.Config{Logger: zap.New(core), Destinations: []route.Destination{{Name: "crm", Handler: h}}})
		if err != nil {
			t.Fatal(err)
		}
		tr := newTransport(router)
		defer tr.close()
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			var got []string
			for _, entry := range logs.TakeAll() {
				got = append(got, fmt.Sprint(entry.Message, " ", entry.ContextMap()["destination"]))
			}
			if !slices.Equal(got, want) {
				t.Errorf("logged %q, want %q", got, want)
			}
		}
		h.refuse()
		tr.send(event(0))
		time.Sleep(20 * time.Second)
		expect()
		time.Sleep(time.Hour)
		expect("destination failing crm")
		h.succeed()
		time.Sleep(10 * time.Second)
		expect("destination up crm")
		tr.send(event(1))
		h.refuse()
		for n := range 20 {
			tr.send(event(n + 100))
		}
		time.Sleep(time.Hour)
		expect("destination down crm")
		h.succeed()
		time.Sleep(10 * time.Second)
		expect("destination up crm")
		h.set(func(context.Context, *events.Event) error { return events.Unavailable(time.Second, errRefused) })
		tr.send(event(2))
		time.Sleep(time.Hour)
		expect("destination paused crm")
		h.succeed()
		time.Sleep(10 * time.Second)
		expect("destination up crm")
		// An endpoint that limits its rate.
		for n := range 10 {
			h.set(func(context.Context, *events.Event) error { return events.Unavailable(time.Second, errRefused) })
			tr.send(event(200 + n))
			synctest.Wait()
			h.succeed()
			time.Sleep(4 * time.Second)
		}
		expect("destination paused crm", "destination up crm")
	})
}

// The transport learns why an event has failed when all destinations are done with it, which
// may be hours later.
func TestFailureOfAHeldEventIsLoggedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		down := &endpoint{}
		down.refuse()
		router, err := route.New(route.Config{Logger: zap.New(core), Destinations: []route.Destination{
			{Name: "crm", Handler: returns(events.Permanent(errors.New("status 400: no such field")))}, {Name: "down", Handler: down},
		}})
		if err != nil {
			t.Fatal(err)
		}
		tr := newTransport(router)
		defer tr.close()
		tr.send(event(1))
		synctest.Wait()
		time.Sleep(time.Hour)
		failed := logs.FilterMessage("event failed, and is held for other destinations").All()
		if len(failed) != 1 {
			t.Fatalf("%d lines, want one", len(failed))
		}
		if got := fmt.Sprint(failed[0].ContextMap()); !strings.Contains(got, "destination:crm") || !strings.Contains(got, "status 400: no such field") {
			t.Error(got)
		}
	})
}
