package once_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"wildix-worker/events"
	"wildix-worker/events/once"
)

const (
	modelWorkers = 3
	modelEvents  = 3
	modelLimit   = 30 * time.Second // of a handler
	modelWindow  = 10 * time.Minute
)

// TestRandomScriptsKeepTheGuarantees plays random scripts: deliveries to several
// workers, handlers that succeed, fail, panic, take long or fail after their effect,
// workers that are killed meanwhile, a store that can't be reached, and time. A model
// observes which handler runs when, and the outcome of each delivery.
func TestRandomScriptsKeepTheGuarantees(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		policy := rapid.SampledFrom([]once.Policy{once.Wait, once.AtLeastOnce}).Draw(rt, "policy")
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 40).Draw(rt, "steps")
		var broken []string
		synctest.Test(t, func(t *testing.T) {
			m := &model{t: t, policy: policy, shared: once.NewLocalStore(100)}
			for i := range m.workers {
				m.start(i)
			}
			for _, s := range steps {
				m.play(s)
				synctest.Wait()
			}
			m.end()
			m.deliveries.Wait()
			m.mu.Lock()
			defer m.mu.Unlock()
			broken = m.broken
		})
		if len(broken) > 0 {
			rt.Fatalf("%v", broken)
		}
	})
}

// A step delivers an event to a worker, kills one, or does something to all.
type step struct {
	Do     string
	Worker int
	Event  int
	How    string        // the handler ends
	For    time.Duration // it runs
}

func drawStep(t *rapid.T) step {
	return step{
		Do:     rapid.SampledFrom([]string{"deliver", "deliver", "deliver", "deliver", "kill", "cut", "reconnect", "sleep"}).Draw(t, "do"),
		Worker: rapid.IntRange(0, modelWorkers-1).Draw(t, "worker"),
		Event:  rapid.IntRange(0, modelEvents-1).Draw(t, "event"),
		How:    rapid.SampledFrom([]string{"succeed", "succeed", "fail", "panic", "ignore", "repeat"}).Draw(t, "how"),
		For:    rapid.SampledFrom([]time.Duration{0, 0, time.Second, modelLimit - time.Second, modelLimit + 5*time.Second, time.Minute, modelWindow}).Draw(t, "for"),
	}
}

// A model is three workers that share a store.
type model struct {
	t          *testing.T
	policy     once.Policy
	shared     *once.LocalStore
	workers    [modelWorkers]*worker
	deliveries sync.WaitGroup

	mu      sync.Mutex
	cut     bool
	cutEver bool // a call of the store may have failed

	running [modelEvents]map[*call]bool
	done    [modelEvents]time.Time // the latest time, by a worker that had not been killed
	effects [modelEvents]int
	broken  []string
}

// A worker is a process. Once it is killed, its calls have no effect.
type worker struct {
	m      *model
	killed bool
	handle events.Handler
}

// A call is a running handler.
type call struct {
	worker *worker
	until  time.Time // its lease ends no sooner
}

// breach records a broken guarantee. m.mu must be held.
func (m *model) breach(format string, args ...any) {
	m.broken = append(m.broken, fmt.Sprintf(format, args...))
}

func (m *model) start(i int) {
	w := &worker{m: m}
	w.handle = wrapped(m.t, events.HandlerFunc(w.work), once.Config{Shared: w, OnUnreachable: m.policy, Window: modelWindow})
	m.workers[i] = w
}

func (m *model) play(s step) {
	if s.Do == "sleep" {
		time.Sleep(s.For)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch s.Do {
	case "deliver":
		w := m.workers[s.Worker]
		m.deliveries.Go(func() { m.deliver(w, s) })
	case "kill":
		m.workers[s.Worker].killed = true
		m.start(s.Worker)
	case "cut":
		m.cut, m.cutEver = true, true
	case "reconnect":
		m.cut = false
	}
}

type stepKey struct{}

func (m *model) deliver(w *worker, s step) events.Outcome {
	ctx, cancel := context.WithTimeout(context.WithValue(m.t.Context(), stepKey{}, s), modelLimit)
	defer cancel()
	outcome, err := events.Dispatch(ctx, w.handle, event(s.Event))
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.killed {
		return events.Failed // without effect
	}
	delay, later := events.RetryDelay(err)
	switch {
	case outcome == events.Duplicate && m.effects[s.Event] == 0:
		m.breach("event %d counts as done, but never was", s.Event)
	case later && delay > modelLimit+10*time.Second:
		m.breach("event %d has to wait %s", s.Event, delay)
	case outcome == events.Failed && !later && !m.cut && !m.cutEver && !isDown(err):
		m.breach("event %d failed: %v", s.Event, err)
	}
	return outcome
}

// isDown reports whether the handler returned errDown or panicked with it.
func isDown(err error) bool {
	panicked, ok := errors.AsType[*events.PanicError](err)
	return ok && panicked.Value == errDown || errors.Is(err, errDown)
}

// work is the handler. It has its effect at the end, unless it is to fail or its
// process was killed.
func (w *worker) work(ctx context.Context, e *events.Event) error {
	m, s := w.m, ctx.Value(stepKey{}).(step)
	c := m.begun(w, s.Event)
	time.Sleep(s.For)
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.killed {
		return errDown // the lease remains
	}
	delete(m.running[s.Event], c)
	switch s.How {
	case "fail":
		return errDown
	case "panic":
		panic(errDown)
	case "ignore":
		return events.ErrNoHandler
	}
	m.effects[s.Event]++
	m.done[s.Event] = time.Now()
	if s.How == "repeat" {
		return events.ErrDuplicate
	}
	return nil
}

// begun checks that the handler may be called.
func (m *model) begun(w *worker, n int) *call {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if at := m.done[n]; !at.IsZero() && now.Sub(at) < modelWindow && !m.cutEver {
		m.breach("event %d is handled again, %s after it was done", n, now.Sub(at))
	}
	for other := range m.running[n] {
		if now.Before(other.until) && !m.cutEver {
			m.breach("two handlers run for event %d", n)
		}
	}
	c := &call{w, now.Add(modelLimit + 10*time.Second)}
	if m.running[n] == nil {
		m.running[n] = make(map[*call]bool)
	}
	m.running[n][c] = true
	return c
}

// end delivers every event again when all leases have ended, so that it must be done.
func (m *model) end() {
	m.play(step{Do: "reconnect"})
	time.Sleep(2 * time.Minute)
	for n := range modelEvents {
		first := m.deliver(m.workers[0], step{Event: n, How: "succeed"})
		second := m.deliver(m.workers[1], step{Event: n, How: "succeed"})
		m.mu.Lock()
		switch {
		case !first.Done():
			m.breach("event %d is %s at the end", n, first)
		case second != events.Duplicate && !m.cutEver:
			m.breach("event %d is %s after its end", n, second)
		case m.effects[n] == 0:
			m.breach("event %d is lost", n)
		}
		m.mu.Unlock()
	}
}

// reach fails if the shared store can't be reached.
func (w *worker) reach(ctx context.Context) error {
	w.m.mu.Lock()
	lost := w.m.cut || w.killed
	w.m.mu.Unlock()
	if lost {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (w *worker) Begin(ctx context.Context, key once.Key, owner uint64, lease time.Duration) (once.Claim, error) {
	if err := w.reach(ctx); err != nil {
		return once.Claim{}, err
	}
	return w.m.shared.Begin(ctx, key, owner, lease)
}

func (w *worker) Done(ctx context.Context, key once.Key, keep time.Duration) error {
	if err := w.reach(ctx); err != nil {
		return err
	}
	return w.m.shared.Done(ctx, key, keep)
}

func (w *worker) Release(ctx context.Context, key once.Key, owner uint64) error {
	if err := w.reach(ctx); err != nil {
		return err
	}
	return w.m.shared.Release(ctx, key, owner)
}
