package finish_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/events/finish"
	"wildix-worker/events/route"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("connection refused")

const (
	ada   = `{"type":"REMOTE","phone":"+12025550100","name":"Ada Example"}`
	sales = `{"type":"LOCAL","phone":"201","name":"Sales","userExtension":"201"}`
)

// event returns an event of that call, at the present time.
func event(id, eventType, data string) *events.Event {
	e, err := events.Decode(fmt.Appendf(nil, `{"id":%q,"company":"example","pbx":"221100001bab","type":%q,"time":%d,"integrationId":"8qkmnq","data":%s}`,
		id, eventType, time.Now().UnixMilli(), data))
	if err != nil {
		panic(err)
	}
	e.ReceiveCount = 1
	return e
}

// A memory is a State that survives the handlers that use it.
type memory struct {
	mu    sync.Mutex
	calls map[calls.Key]finish.Call
	fail  func(ctx context.Context) error // nil succeeds
	// merged is called after each merge.
	merged func(finish.Call)
	count  int
}

func (m *memory) Merge(ctx context.Context, c finish.Call) (finish.Call, error) {
	m.mu.Lock()
	fail := m.fail
	m.count++
	m.mu.Unlock()
	if fail != nil {
		if err := fail(ctx); err != nil {
			return finish.Call{}, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls == nil {
		m.calls = make(map[calls.Key]finish.Call)
	}
	c = m.calls[c.Facts.Key()].Merge(c)
	m.calls[c.Facts.Key()] = c
	if m.merged != nil {
		m.merged(c)
	}
	return c, nil
}

func (m *memory) set(fail func(context.Context) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func (m *memory) down() { m.set(func(context.Context) error { return errDown }) }
func (m *memory) hang() {
	m.set(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
}

// A destination records the events that it has handled.
type destination struct {
	mu      sync.Mutex
	handled []*events.Event
	at      []time.Time
	tries   int
	fail    func(context.Context, *events.Event) error // nil succeeds
}

func (d *destination) HandleEvent(ctx context.Context, e *events.Event) error {
	d.mu.Lock()
	fail := d.fail
	d.tries++
	d.mu.Unlock()
	if fail != nil {
		if err := fail(ctx, e); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.handled, d.at = append(d.handled, e), append(d.at, time.Now())
	return nil
}

func (d *destination) set(fail func(context.Context, *events.Event) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

// of returns the events of a type that the destination has handled.
func (d *destination) of(eventType string) (list []*events.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.handled {
		if e.Type == eventType {
			list = append(list, e)
		}
	}
	return list
}

// A firm has a destination for everything and one for finished calls.
type firm struct {
	t        *testing.T
	state    *memory
	archive  *destination
	finished *destination
	router   *route.Router
	handler  *finish.Handler
}

func newFirm(t *testing.T) *firm {
	f := &firm{t: t, state: &memory{}, archive: &destination{}, finished: &destination{}}
	f.router, f.handler = f.newWorker()
	return f
}

// worker returns a handler of another worker.
func (f *firm) worker() *finish.Handler {
	_, h := f.newWorker()
	return h
}

func (f *firm) newWorker() (*route.Router, *finish.Handler) {
	f.t.Helper()
	router, err := route.New(route.Config{Destinations: []route.Destination{
		{Name: "archive", Handler: f.archive, On: []string{"call:start", "call:update", "call:end", "call:completed", "fax:*"}},
		{Name: "finished", Handler: f.finished, On: []string{events.CallFinished}},
	}})
	if err != nil {
		f.t.Fatal(err)
	}
	h, err := finish.New(finish.Config{Next: router, State: f.state})
	if err != nil {
		f.t.Fatal(err)
	}
	return router, h
}

// A delivered is the result of an event's delivery.
type delivered struct {
	outcome events.Outcome
	err     error
	took    time.Duration
	ended   chan struct{} // closed when the others are set
}

func (d *delivered) done() bool {
	synctest.Wait()
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

// deliver delivers an event as a transport does that can hold it.
func (f *firm) deliver(e *events.Event) *delivered { return f.deliverTo(f.t.Context(), f.handler, e) }

func (f *firm) deliverTo(ctx context.Context, h events.Handler, e *events.Event) *delivered {
	d := &delivered{ended: make(chan struct{})}
	begun := time.Now()
	go func() {
		d.outcome, d.err = events.DispatchHeld(ctx, h, e)
		d.took = time.Since(begun)
		close(d.ended)
	}()
	synctest.Wait()
	return d
}

func (f *firm) want(what string, d *delivered, outcome events.Outcome, took time.Duration) {
	f.t.Helper()
	if !d.done() || d.outcome != outcome || d.took != took {
		f.t.Errorf("%s: done %t, %s, %v after %s; want %s after %s", what, d.done(), d.outcome, d.err, d.took, outcome, took)
	}
}
