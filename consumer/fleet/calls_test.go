package fleet_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// sizes are numbers of workers.
func sizes() []int {
	if everything {
		return []int{1, 10, 100}
	}
	return []int{1, 5}
}

// inFleet runs a test with a fleet without workers.
func inFleet(t *testing.T, name string, s shape, test func(t *testing.T, f *fleet)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, s)
			defer f.close()
			test(t, f)
		})
	})
}

// inIdleFleets runs a test with fleets of all sizes, which wait for messages.
func inIdleFleets(t *testing.T, s shape, test func(t *testing.T, f *fleet)) {
	t.Helper()
	for _, workers := range sizes() {
		inFleet(t, fmt.Sprint(workers, " workers"), s, func(t *testing.T, f *fleet) {
			for range workers { // so that they don't poll at the same times
				f.start(1)
				time.Sleep(longPoll / time.Duration(workers))
			}
			time.Sleep(time.Minute)
			test(t, f)
		})
	}
}

// wantAbout checks a figure against its formula.
func wantAbout(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	t.Logf("%s: %.4g, by the formula %.4g", what, got, want)
	if math.Abs(got-want) > tolerance*want {
		t.Errorf("%s: %.4g, want %.4g by the formula", what, got, want)
	}
}

func TestFleetIdle(t *testing.T) {
	inIdleFleets(t, shape{64, 50 * time.Millisecond}, func(t *testing.T, f *fleet) {
		before := f.calls()
		time.Sleep(time.Hour)
		made := f.calls().since(before)
		wantAbout(t, "receives an hour", float64(made.receives), float64(len(f.running))*receives(0)*3600, 0.01)
		if made.deletes+made.changes > 0 {
			t.Errorf("%+v", made)
		}
	})
}

func TestFleetTrickle(t *testing.T) {
	rates := []float64{0.2, 2, 20}
	if everything {
		rates = append(rates, 0.02)
	}
	for _, rate := range rates {
		t.Run(fmt.Sprint(rate, " a second"), func(t *testing.T) {
			inIdleFleets(t, shape{64, 50 * time.Millisecond}, func(_ *testing.T, f *fleet) {
				lasting := time.Duration(500 / rate * float64(time.Second))
				before := f.calls()
				f.trickle(rate, lasting)
				f.checkTrickle(lasting, f.calls().since(before))
			})
		})
	}
}

// checkTrickle checks the calls for the events so far, which have trickled in.
func (f *fleet) checkTrickle(lasting time.Duration, made calls) {
	f.t.Helper()
	a, workers, seconds := f.ledger.account(), float64(len(f.running)), lasting.Seconds()
	rate := float64(a.events) / seconds
	f.t.Logf("%d events, %.3f receives and %.3f deletes each; late p50 %s, p99 %s, at most %s", a.events,
		float64(made.receives)/float64(a.events), float64(made.deletes)/float64(a.events), a.p50, a.p99, a.worst)
	least, most := fleetReceives(workers, rate)
	if got := float64(made.receives) / seconds; got < 0.95*least || got > 1.05*most {
		f.t.Errorf("%.4f receives a second, want %.4f to %.4f by the formula", got, least, most)
	}
	least, most = fleetDeletes(workers, rate, f.shape.handlerTime)
	if got := float64(made.deletes) / seconds; got < 0.9*least || got > 1.05*most {
		f.t.Errorf("%.4f deletes a second, want %.4f to %.4f by the formula", got, least, most)
	}
	if workers == 1 {
		wantAbout(f.t, "receives a second", float64(made.receives)/seconds, receives(rate), 0.05)
		wantAbout(f.t, "deletes a second", float64(made.deletes)/seconds, least, 0.3)
	}
	if made.changes > 0 || a.redelivered > 0 || a.worst > time.Second {
		f.t.Errorf("%+v, %+v", made, a)
	}
}

func TestFleetBusy(t *testing.T) {
	for _, s := range []shape{{64, 50 * time.Millisecond}, {64, time.Second}, {4, 8 * time.Second}} {
		for _, workers := range sizes() {
			name := fmt.Sprintf("%d workers, %d handlers of %s", workers, s.concurrency, s.handlerTime)
			inFleet(t, name, s, func(_ *testing.T, f *fleet) {
				f.send(workers * min(25*s.concurrency, 1000))
				f.start(workers)
				f.checkBusy()
			})
		}
	}
}

// checkBusy checks the calls for the backlog of workers that have just started.
func (f *fleet) checkBusy() {
	f.t.Helper()
	begun := time.Now()
	for f.srv.Depth("calls").Visible > 0 {
		time.Sleep(roundTrip)
	}
	handled := float64(f.ledger.done()) / time.Since(begun).Seconds()
	rate := f.shape.speed()
	time.Sleep(2*f.shape.handlerTime + linger)
	made, a := f.calls(), f.ledger.account()
	wantAbout(f.t, "events a second", handled, float64(len(f.running))*rate, 0.15)
	wantAbout(f.t, "receives an event", float64(made.receives)/float64(a.events), busyReceives(f.shape.concurrency, rate)/rate, 0.3)
	wantAbout(f.t, "deletes an event", float64(made.deletes)/float64(a.events), deletes(rate, f.shape.handlerTime)/rate, 0.3)
	if made.changes > 0 || a.redelivered > 0 || a.unhandled > 0 {
		f.t.Errorf("%+v, %+v", made, a)
	}
}

func TestFleetExtends(t *testing.T) {
	const n = 40
	inFleet(t, "1 worker", shape{n, 200 * time.Second}, func(t *testing.T, f *fleet) {
		f.send(n)
		f.start(1)
		time.Sleep(2 * f.shape.handlerTime)
		wantAbout(t, "extensions", float64(f.calls().changes), extensions(n, f.shape.handlerTime, time.Minute), 0.5)
	})
}
