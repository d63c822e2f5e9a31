package route_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errRefused = errors.New("connection refused")

func event(n int) *events.Event {
	return &events.Event{ID: fmt.Sprint(n), Type: events.CallEnd, ReceiveCount: 1, Raw: fmt.Append(nil, n)}
}

// An endpoint is a handler whose behaviour a test changes while it runs.
type endpoint struct {
	mu      sync.Mutex
	handle  func(ctx context.Context, e *events.Event) error // nil succeeds
	calls   map[string]int                                   // by ID of the event
	last    map[string]time.Time                             // last success
	began   []time.Time
	running int
	most    int
}

func (h *endpoint) HandleEvent(ctx context.Context, e *events.Event) error {
	h.mu.Lock()
	if h.calls == nil {
		h.calls, h.last = make(map[string]int), make(map[string]time.Time)
	}
	h.calls[e.ID]++
	h.began = append(h.began, time.Now())
	h.running++
	h.most = max(h.most, h.running)
	handle := h.handle
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		h.running--
		h.mu.Unlock()
	}()
	if handle != nil {
		if err := handle(ctx, e); err != nil {
			return err
		}
	}
	h.mu.Lock()
	h.last[e.ID] = time.Now()
	h.mu.Unlock()
	return nil
}

func (h *endpoint) set(handle func(ctx context.Context, e *events.Event) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handle = handle
}

func (h *endpoint) refuse()  { h.set(func(context.Context, *events.Event) error { return errRefused }) }
func (h *endpoint) succeed() { h.set(nil) }
func (h *endpoint) hang() {
	h.set(func(ctx context.Context, _ *events.Event) error { <-ctx.Done(); return ctx.Err() })
}

// handled returns when the endpoint last handled the event.
func (h *endpoint) handled(n int) (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok := h.last[fmt.Sprint(n)]
	return at, ok
}

// wantHandled checks that the endpoint has handled the first n events, each at most within
// after from.
func (h *endpoint) wantHandled(t *testing.T, n int, from time.Time, within time.Duration) {
	t.Helper()
	for i := range n {
		if at, ok := h.handled(i); !ok {
			t.Fatalf("event %d of %d is not handled", i, n)
		} else if late := at.Sub(from); late > within {
			t.Fatalf("event %d of %d is handled after %v, want at most %v", i, n, late, within)
		}
	}
}

func (h *endpoint) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.began)
}

// mostAtOnce returns the number of calls, and how many ran at once since it was last called.
func (h *endpoint) mostAtOnce() (calls, most int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	most, h.most = h.most, h.running
	return len(h.began), most
}

func (h *endpoint) callsOf(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[fmt.Sprint(n)]
}

func newRouter(t testing.TB, destinations ...route.Destination) *route.Router {
	t.Helper()
	router, err := route.New(route.Config{Destinations: destinations})
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// A transport delivers events to a router, holds those that the router asks to hold, and
// delivers an event again that failed, with a growing delay, until it has been received
// ten times.
type transport struct {
	router  events.Handler
	timeout time.Duration // of a dispatch
	ctx     context.Context
	stop    context.CancelFunc
	wg      sync.WaitGroup

	mu       sync.Mutex
	failures []failure
	outcomes map[string]events.Outcome
	held     int
	dead     int
}

type failure struct {
	id  string
	at  time.Time
	err error
}

func newTransport(router events.Handler) *transport {
	tr := &transport{router: router, outcomes: make(map[string]events.Outcome), timeout: time.Hour}
	tr.ctx, tr.stop = context.WithCancel(context.Background())
	return tr
}

func (tr *transport) send(e *events.Event) { tr.wg.Go(func() { tr.receive(e) }) }

func (tr *transport) receive(e *events.Event) {
	for {
		outcome, err := tr.deliver(e)
		if tr.ctx.Err() != nil {
			return
		}
		tr.mu.Lock()
		tr.outcomes[e.ID] = outcome
		dead := outcome == events.Failed && e.ReceiveCount == 10
		if outcome == events.Failed {
			tr.failures = append(tr.failures, failure{e.ID, time.Now(), err})
		}
		if dead {
			tr.dead++
		}
		tr.mu.Unlock()
		if dead || outcome.Done() {
			return
		}
		tr.sleep(min(10*time.Second<<e.ReceiveCount, 15*time.Minute))
		next := *e
		next.ReceiveCount++
		e = &next
	}
}

func (tr *transport) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-tr.ctx.Done():
	}
}

// deliver dispatches one delivery of an event until it need not be held.
func (tr *transport) deliver(e *events.Event) (events.Outcome, error) {
	var d events.Delivery
	defer d.End()
	for {
		ctx, cancel := context.WithTimeout(events.WithDelivery(tr.ctx, &d), tr.timeout)
		outcome, err := events.Dispatch(ctx, tr.router, e)
		cancel()
		resumed := make(chan struct{})
		if !events.OnResume(err, func() { close(resumed) }) {
			return outcome, err
		}
		tr.addHeld(1)
		select {
		case <-resumed:
		case <-tr.ctx.Done():
		}
		tr.addHeld(-1)
		if tr.ctx.Err() != nil {
			return outcome, err
		}
	}
}

func (tr *transport) addHeld(n int) {
	tr.mu.Lock()
	tr.held += n
	tr.mu.Unlock()
}

func (tr *transport) close() {
	tr.stop()
	tr.wg.Wait()
}

func (tr *transport) failed() []failure {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.failures
}

// wantNoneReturned checks that no delivery has failed.
func (tr *transport) wantNoneReturned(t *testing.T) {
	t.Helper()
	if failures := tr.failed(); len(failures) > 0 {
		t.Errorf("%d returned, the first: %v", len(failures), failures[0])
	}
}

func (tr *transport) outcome(n int) (events.Outcome, bool) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	outcome, ok := tr.outcomes[fmt.Sprint(n)]
	return outcome, ok
}
