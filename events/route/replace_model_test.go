package route_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// Whatever destinations do, and however often they are replaced meanwhile: each that was
// there from an event's first dispatch to the end has the event once if it wants it, none has
// it twice, none is called after its retirement, and nothing stays behind.
func TestModelOfReplacements(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			m := &replaceModel{t: t, random: rand.New(rand.NewPCG(seed, 7)), since: make(map[string]time.Time), had: make(map[string]int)}
			m.current = m.destinations()
			router := newRouter(t, m.current...)
			tr := newTransport(router)
			sent := make([]time.Time, 200)
			for n := range sent {
				sent[n] = time.Now()
				tr.send(event(n))
				time.Sleep(time.Duration(1+m.random.IntN(2000)) * time.Millisecond)
				if m.random.IntN(12) == 0 {
					m.replace(router)
				}
			}
			m.succeed()
			time.Sleep(6 * time.Hour)
			synctest.Wait()
			m.check(sent, tr, router)
			tr.close()
		})
	}
}

// A replaceModel is the destinations of a test, and what they have had.
type replaceModel struct {
	t        *testing.T
	random   *rand.Rand
	current  []route.Destination
	since    map[string]time.Time // when each of current was added
	versions int

	mu  sync.Mutex
	up  bool
	had map[string]int // successes by destination and event
}

// wants reports whether a destination wants an event.
func wants(name string, e *events.Event) bool { return (int(name[0])+len(e.ID))%3 != 0 }

// destinations returns some of four destinations: each kept, changed or new.
func (m *replaceModel) destinations() (next []route.Destination) {
	for _, name := range []string{"a", "b", "c", "d"} {
		i := slices.IndexFunc(m.current, func(d route.Destination) bool { return d.Name == name })
		switch {
		case m.random.IntN(4) == 0 && len(next)+int(name[0]) != 'd': // at least one is left
			delete(m.since, name)
			continue
		case i >= 0 && m.random.IntN(2) == 0:
			next = append(next, m.current[i])
			continue
		case i < 0:
			m.since[name] = time.Now()
		}
		m.versions++
		next = append(next, m.destination(name, m.versions))
	}
	return next
}

func (m *replaceModel) destination(name string, version int) route.Destination {
	misbehave := misbehave(rand.New(rand.NewPCG(m.random.Uint64(), uint64(version))))
	h := events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		key := name + " " + e.ID
		m.mu.Lock()
		up, had := m.up, m.had[key]
		m.mu.Unlock()
		if had > 0 && e.ReceiveCount > 1 {
			return events.ErrDuplicate // as package once
		}
		if !up {
			if err := misbehave(ctx, e); err != nil {
				return err
			}
		}
		m.mu.Lock()
		m.had[key]++
		m.mu.Unlock()
		return nil
	})
	return route.Destination{
		Name: name, Version: fmt.Sprint(version), Handler: &retirable{Handler: h, t: m.t},
		When:        func(e *events.Event) (bool, error) { return wants(name, e), nil },
		Concurrency: 1 + m.random.IntN(12), Timeout: time.Minute,
	}
}

// A retirable is a handler that must not be called after its retirement.
type retirable struct {
	events.Handler
	t       *testing.T
	mu      sync.Mutex
	retired bool
}

func (r *retirable) HandleEvent(ctx context.Context, e *events.Event) error {
	r.mu.Lock()
	if r.retired {
		r.t.Error("a retired destination was called")
	}
	r.mu.Unlock()
	return r.Handler.HandleEvent(ctx, e)
}

// replace replaces the destinations, and checks that the retired ones can be closed in time.
func (m *replaceModel) replace(router *route.Router) {
	next := m.destinations()
	old := m.current
	m.current = next
	change := replace(m.t, router, next...)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := change.Wait(ctx); err != nil {
			m.t.Errorf("a call has not ended: %v", err)
		}
		for _, d := range old {
			if h := d.Handler.(*retirable); !slices.ContainsFunc(next, func(kept route.Destination) bool { return kept.Handler == h }) {
				h.mu.Lock()
				h.retired = true
				h.mu.Unlock()
			}
		}
	}()
}

func (m *replaceModel) succeed() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.up = true
}

func (m *replaceModel) check(sent []time.Time, tr *transport, router *route.Router) {
	for n, at := range sent {
		e := event(n)
		if outcome, ok := tr.outcome(n); !ok || !outcome.Done() {
			m.t.Errorf("event %d: %v, %v", n, outcome, ok)
		}
		for _, d := range m.current {
			had := m.had[d.Name+" "+e.ID]
			if must := !at.Before(m.since[d.Name]) && wants(d.Name, e); must && had == 0 {
				m.t.Errorf("%s does not have event %d", d.Name, n)
			}
		}
		for _, name := range []string{"a", "b", "c", "d"} {
			if had := m.had[name+" "+e.ID]; had > 1 {
				m.t.Errorf("%s has event %d %d times", name, n, had)
			}
		}
	}
	for _, s := range router.Stats() {
		if s.Held != 0 || s.Running != 0 || s.State != route.Up {
			m.t.Errorf("left %+v", s)
		}
	}
}
