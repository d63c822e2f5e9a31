package finish_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/events/finish"
)

// A plan is what happens in a run of the model.
type plan struct {
	Events  []planned
	Crashes []time.Duration // when a worker is killed; the even ones kill the first
	Seed    uint64          // of what fails
	Calm    bool            // nothing fails
}

type planned struct {
	Call, Type, Data string
	Sent             []time.Duration // a message each
}

var planTypes = []string{events.CallStart, events.CallUpdate, events.CallUpdate, events.CallEnd, events.CallLiveCompleted, events.CallCompleted}

func drawPlan(t *rapid.T) plan {
	p := plan{Seed: rapid.Uint64().Draw(t, "seed"), Calm: rapid.Bool().Draw(t, "calm")}
	at := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(0, 40).Draw(t, "half seconds")) * 500 * time.Millisecond
	})
	for i := range rapid.IntRange(1, 12).Draw(t, "events") {
		p.Events = append(p.Events, planned{
			Call: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "call"),
			Type: rapid.SampledFrom(planTypes).Draw(t, "type"),
			Data: rapid.SampledFrom([]string{
				`{"status":"TALKING","caller":` + ada + `}`, `{"status":"RINGING","callee":` + sales + `}`,
				fmt.Sprintf(`{"queueName":"queue %d","destination":"%d"}`, i, i), `{"flows":[{"callStatus":"MISSED"}],"endCause":"16"}`,
			}).Draw(t, "data"),
			Sent: rapid.SliceOfN(at, 1, 3).Draw(t, "sent"),
		})
	}
	if !p.Calm {
		p.Crashes = rapid.SliceOfN(at, 0, 4).Draw(t, "crashes")
	}
	return p
}

// A model runs two workers on one state. Their queue delivers each message until it is done.
type model struct {
	*firm
	plan
	mu      sync.Mutex
	random  *rand.Rand
	workers [2]*modelWorker
	history map[calls.Key][]merged
	queue   sync.WaitGroup
}

// merged is what the state had after a merge.
type merged struct {
	at   time.Time
	call finish.Call
}

type modelWorker struct {
	handler events.Handler
	ctx     context.Context
	kill    context.CancelFunc
}

func (m *model) chance(n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.Calm && m.random.IntN(n) == 0
}

func (m *model) start(i int) {
	w := &modelWorker{handler: m.worker()}
	w.ctx, w.kill = context.WithCancel(context.Background())
	m.mu.Lock()
	m.workers[i] = w
	m.mu.Unlock()
}

func (m *model) run(all []*events.Event) {
	for i := range m.workers {
		m.start(i)
	}
	m.state.merged = func(c finish.Call) {
		m.history[c.Facts.Key()] = append(m.history[c.Facts.Key()], merged{time.Now(), c})
	}
	m.state.fail = func(context.Context) error {
		if m.chance(4) {
			return errDown
		}
		return nil
	}
	for _, d := range []*destination{m.archive, m.finished} {
		d.fail = func(context.Context, *events.Event) error {
			if m.chance(3) {
				return errDown
			}
			return nil
		}
	}
	for i, e := range all {
		for _, sent := range m.Events[i].Sent {
			m.queue.Go(func() { time.Sleep(sent); m.deliverUntilDone(e) })
		}
	}
	for i, at := range m.Crashes {
		m.queue.Go(func() {
			time.Sleep(at)
			m.mu.Lock()
			m.workers[i%2].kill()
			m.mu.Unlock()
			m.start(i % 2)
		})
	}
	m.queue.Wait()
	for _, w := range m.workers {
		w.kill()
	}
}

func (m *model) deliverUntilDone(e *events.Event) {
	for receives := 1; ; receives++ {
		m.mu.Lock()
		w := m.workers[m.random.IntN(2)]
		m.mu.Unlock()
		received := *e
		received.ReceiveCount = receives
		if outcome, _ := events.DispatchHeld(w.ctx, w.handler, &received); outcome.Done() && w.ctx.Err() == nil {
			return // else it is delivered again, since a worker that is killed deletes nothing
		}
		time.Sleep(time.Duration(receives) * time.Second)
	}
}

// check returns what is wrong after a run.
func (m *model) check(all []*events.Event) error {
	facts := make(map[calls.Key]calls.Facts)
	passed := make(map[string]bool)
	for _, e := range m.archive.handled {
		passed[e.DeliveryKey()] = true
	}
	for _, e := range all {
		f, _ := calls.FactsOf(e)
		facts[f.Key()] = facts[f.Key()].Merge(f)
		if e.Type != events.CallLiveCompleted && !passed[e.DeliveryKey()] {
			return fmt.Errorf("%s was not passed on", e.Raw)
		}
	}
	finished := make(map[calls.Key]*events.Event)
	for _, e := range m.finished.handled {
		key := calls.Key{Company: e.Company, ID: e.ID}
		if first := finished[key]; first != nil && first.DeliveryKey() != e.DeliveryKey() {
			return fmt.Errorf("two events: %s, %s", first.Raw, e.Raw)
		} else if first != nil && len(m.Crashes) == 0 && m.Calm && m.sentOnce() {
			return errors.New("passed on twice without a reason")
		}
		finished[key] = e
	}
	for key, f := range facts {
		switch e := finished[key]; {
		case f.HasEnded() != (e != nil):
			return fmt.Errorf("call %s has ended %t, passed on %t", key.ID, f.HasEnded(), e != nil)
		case e != nil:
			if err := m.checkContent(e, m.history[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *model) sentOnce() bool {
	for _, e := range m.Events {
		if len(e.Sent) > 1 {
			return false
		}
	}
	return true
}

// checkContent reports an error unless an event has what the state had at the end of the
// grace, or later.
func (m *model) checkContent(e *events.Event, history []merged) error {
	var end time.Time
	atLeast := -1
	for i, h := range history {
		if h.call.End != "" && end.IsZero() {
			end = h.at
		}
		if !end.IsZero() && h.at.Before(end.Add(finish.DefaultGrace)) || end.IsZero() {
			atLeast = i
		}
	}
	for _, h := range history[atLeast:] {
		r := h.call.Facts.Record()
		want, err := json.Marshal(r.FinishedCall())
		if err != nil {
			return err
		}
		got, err := json.Marshal(e.Data)
		if err != nil {
			return err
		}
		if reflect.DeepEqual(got, want) {
			return nil
		}
	}
	return fmt.Errorf("%s is not the call after the grace", e.Raw)
}

func TestCallFinishedInAnyOrderWithRepeatsAndCrashes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		var failure error
		synctest.Test(t, func(t *testing.T) {
			m := &model{firm: newFirm(t), plan: p, random: rand.New(rand.NewPCG(p.Seed, 1)), history: make(map[calls.Key][]merged)}
			var all []*events.Event
			for i, e := range p.Events {
				event := event(e.Call, e.Type, e.Data)
				event.Time = event.Time.Add(time.Duration(i) * time.Second)
				event.Raw = fmt.Appendf(nil, "%s %d", event.Raw, i)
				all = append(all, event)
			}
			m.run(all)
			failure = m.check(all)
		})
		if failure != nil {
			rt.Fatal(failure)
		}
	})
}
