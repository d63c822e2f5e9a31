package fleet_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A day is a load, and the workers for it.
type day struct {
	name    string
	service service
	shape   shape
	length  time.Duration
	peak    float64 // events a second, in the middle of the day; at night there are a hundredth
	burst   int     // events that come at once, at three quarters of the day
}

// replaced is after how many minutes the oldest worker is replaced, again and again. So
// workers stop under load, too.
const replaced = 10

// days are the cases of TestFleet.
func days() []day {
	if !everything {
		short := day{service: stack(1, 10, 30), shape: shape{2, 10 * time.Second}, length: 2 * time.Hour, peak: 1, burst: 300}
		short.service.inAtOnce = true
		stopped, killed := short, short
		stopped.name = "stopped"
		killed.name, killed.service.kill = "killed", true
		return []day{stopped, killed}
	}
	whole := day{service: stack(1, 100, 30), shape: shape{2, 16 * time.Second}, length: 24 * time.Hour, peak: 2.5, burst: 2700}
	gradual, atOnce, enough, killed := whole, whole, whole, whole
	gradual.name = "removed gradually"
	atOnce.name, atOnce.service.inAtOnce = "removed at once", true
	enough.name, enough.service.least = "always enough for the peak", 25
	killed.name, killed.service.inAtOnce, killed.service.kill = "killed", true, true
	return []day{gradual, atOnce, enough, killed}
}

// rate returns how many events a second there are at a time of the day: few at night, most
// in the middle.
func (d day) rate(at time.Duration) float64 {
	hill := math.Sin(math.Pi * (2*float64(at)/float64(d.length) - 0.5)) // from -1 in the night to 1
	return d.peak * max(0.01, hill)
}

// A result is what a day has shown.
type result struct {
	day
	account
	calls           calls
	least, most     float64 // calls by the formulas
	stopped         int     // workers
	returned        float64 // messages by the formula, when workers stopped
	fewest, highest int     // workers at once
	hours           float64 // of all workers
	minutes         int
	backlog         int // messages that waited at once, at most
}

func TestFleet(t *testing.T) {
	var results []*result
	for _, d := range days() {
		t.Run(d.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := d.run(t)
				r.check(t)
				results = append(results, r)
			})
		})
	}
	t.Log("\n" + table(results))
}

// run runs the day, and then until the queue is empty.
func (d day) run(t *testing.T) *result {
	t.Helper()
	f := newFleet(t, d.shape)
	f.start(d.service.least)
	var sending sync.WaitGroup
	sending.Go(func() { d.send(f) })
	r := &result{day: d, fewest: d.service.least}
	s := &scaler{service: d.service, desired: d.service.least}
	for range d.length / time.Minute {
		r.minute(f, s)
	}
	for sending.Wait(); !f.empty(); {
		r.minute(f, s)
	}
	time.Sleep(time.Minute) // for workers that stop
	r.calls, r.account = f.calls(), f.ledger.account()
	f.close()
	return r
}

// send sends the events of the day.
func (d day) send(f *fleet) {
	for at := time.Duration(0); at < d.length; at += time.Minute {
		if at == d.length*3/4 {
			f.send(d.burst)
		}
		f.trickle(d.rate(at), time.Minute)
	}
}

// empty reports whether the queue has no messages, also none that are in flight.
func (f *fleet) empty() bool {
	depth := f.srv.Depth("calls")
	return depth.Visible+depth.InFlight == 0
}

// minute lets a minute pass, and then adds or removes workers.
func (r *result) minute(f *fleet, s *scaler) {
	before := f.ledger.done()
	running := len(f.running)
	starting := s.desired - running
	time.Sleep(time.Minute)
	rate := float64(f.ledger.done()-before) / 60
	r.expect(float64(max(running, 1)), rate)
	r.minutes++
	r.highest, r.fewest = max(r.highest, running), min(r.fewest, running)
	r.hours += float64(running) / 60

	f.start(max(starting, 0))
	waiting := f.srv.Depth("calls").Visible
	s.observe(waiting, len(f.running))
	r.backlog = max(r.backlog, waiting)
	less := max(len(f.running)-s.desired, 0)
	if r.minutes%replaced == 0 && less == 0 {
		less = 1
		if !s.kill {
			f.start(1) // before the other one stops, as in a deployment
		}
	}
	r.stopped += less
	r.returned += returned(float64(less), rate/float64(max(running, 1)))
	f.remove(less, s.kill)
}

// expect adds the calls of a minute with that many workers, which handle events at a rate.
func (r *result) expect(workers, rate float64) {
	least, most := fleetReceives(workers, rate)
	leastDeletes, mostDeletes := fleetDeletes(workers, rate, r.shape.handlerTime)
	r.least += 60 * (least + leastDeletes)
	r.most += 60 * (most + mostDeletes)
}

// latest is how late an event is at most by the formula.
func (r *result) latest() time.Duration {
	longest := r.shape.handlerTime * 3 / 2
	return r.service.latest(float64(r.backlog), r.shape.speed(), longest)
}

func (r *result) check(t *testing.T) {
	t.Helper()
	if r.unhandled > 0 {
		t.Errorf("%d events not handled", r.unhandled)
	}
	if made := float64(r.calls.receives + r.calls.deletes); made < 0.95*r.least || made > 1.05*r.most {
		t.Errorf("%.0f calls, want %.0f to %.0f by the formulas", made, r.least, r.most)
	}
	if r.service.kill {
		r.checkKilled(t)
	} else {
		r.checkStopped(t)
	}
	if usual := r.service.usual(r.shape.speed(), r.shape.handlerTime); r.p50 > usual*11/10 {
		t.Errorf("half of the events were later than %s, want at most %s by the formula", r.p50, usual)
	}
	if latest := r.latest(); r.worst > latest {
		t.Errorf("an event was %s late, want at most %s by the formula", r.worst, latest)
	}
	if r.highest < r.service.most/3 || r.stopped < r.highest/2 {
		t.Errorf("at most %d workers, %d stopped: too little to show anything", r.highest, r.stopped)
	}
}

// checkStopped checks that workers that stop repeat nothing: what they have begun is handled
// and deleted, and what they have not begun is returned at once.
func (r *result) checkStopped(t *testing.T) {
	t.Helper()
	if r.repeated > 0 {
		t.Errorf("%d events were handled more than once", r.repeated)
	}
	if most := r.returned + 3*math.Sqrt(r.returned) + 1; float64(r.redelivered) > most {
		t.Errorf("%d messages were received more than once, want about %.1f by the formula", r.redelivered, r.returned)
	}
}

// checkKilled checks that a worker that is killed repeats no event more than once, and only
// those that it had in hand.
func (r *result) checkKilled(t *testing.T) {
	t.Helper()
	if inHand := r.stopped * r.shape.concurrency; r.redelivered > 2*inHand || r.redelivered == 0 {
		t.Errorf("%d messages were received more than once, with at most %d in hand of killed workers", r.redelivered, inHand)
	}
	if r.mostHandled > 2 {
		t.Errorf("an event was handled %d times", r.mostHandled)
	}
}

// table shows results in Markdown.
func table(results []*result) string {
	var text strings.Builder
	text.WriteString("| workers | at once | hours | events | late p50 | p99 | at most | by the formula | calls an event | by the formula | stopped | received again | handled again |\n")
	text.WriteString(strings.Repeat("|---", 13) + "|\n")
	for _, r := range results {
		n := float64(r.events)
		fmt.Fprintf(&text, "| %s | %d to %d | %.0f | %d | %s | %s | %s | %s | %.2f | %.2f to %.2f | %d | %d | %d |\n",
			r.name, r.fewest, r.highest, r.hours, r.events, r.p50.Round(time.Second), r.p99.Round(time.Second), r.worst.Round(time.Second),
			r.latest(), float64(r.calls.receives+r.calls.deletes)/n, r.least/n, r.most/n, r.stopped, r.redelivered, r.repeated)
	}
	return text.String()
}
