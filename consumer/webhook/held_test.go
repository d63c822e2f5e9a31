package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
)

// A destination asks for its events to be held until it is up.
type destination struct {
	calls atomic.Int64

	mu      sync.Mutex
	up      bool
	waiting []func()
}

func (d *destination) handle(context.Context, *events.Event) error {
	d.calls.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.up {
		return nil
	}
	return events.Hold(d.await, errDown)
}

func (d *destination) await(resume func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.up {
		resume()
		return
	}
	d.waiting = append(d.waiting, resume)
}

func (d *destination) recover() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.up = true
	for _, resume := range d.waiting {
		resume()
	}
	d.waiting = nil
}

func TestHeldEventIsHandledWhenItIsResumed(t *testing.T) {
	var d destination
	withServer(t, configFor(d.handle), func(s *testServer) {
		first := s.sendAsync("1")
		time.Sleep(3 * time.Second)
		repeat := s.sendAsync("1")
		time.Sleep(time.Second)
		d.recover()
		for _, a := range []answer{<-first, <-repeat} {
			s.want(a, http.StatusNoContent)
		}
		if n := d.calls.Load(); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
		s.wantOutcomes("duplicate handled")
	})
}

func TestEventHeldForTooLongIsAnsweredInTimeWithTheReason(t *testing.T) {
	var d destination
	withServer(t, configFor(d.handle), func(s *testServer) {
		var answers []chan answer
		for i := range webhook.DefaultMaxInFlight { // many, since the answer races with the end of the hold
			answers = append(answers, s.sendAsync(strconv.Itoa(i)))
		}
		for _, c := range answers {
			a := <-c
			s.want(a, http.StatusServiceUnavailable)
			if a.took != webhook.DefaultAnswerWithin {
				t.Errorf("answered after %s", a.took)
			}
		}
		synctest.Wait()
		for _, r := range s.results {
			if !errors.Is(r.Err, errDown) || !strings.HasPrefix(r.Err.Error(), "held: ") {
				t.Errorf("error %q", r.Err)
			}
		}
		if n := s.logs.FilterMessage("message failed").Len(); n != len(answers) {
			t.Errorf("logged %d times, want %d, once for each answer", n, len(answers))
		}
	})
}

func TestHeldEventTakesNoSlotOfOthers(t *testing.T) {
	var d destination
	cfg := configFor(func(ctx context.Context, e *events.Event) error {
		if strings.HasPrefix(e.ID, "held") {
			return d.handle(ctx, e)
		}
		return nil
	})
	cfg.Concurrency = 1
	withServer(t, cfg, func(s *testServer) {
		held := []chan answer{s.sendAsync("held 1"), s.sendAsync("held 2")}
		synctest.Wait()
		a := s.send("another")
		s.want(a, http.StatusNoContent)
		if a.took > 0 {
			t.Errorf("waited for %s", a.took)
		}
		d.recover()
		for _, a := range held {
			s.want(<-a, http.StatusNoContent)
		}
	})
}

// A handler that is cancelled when the request's time ends may ask for the event to be held.
func TestHoldAfterTheAnswerIsNotWaitedFor(t *testing.T) {
	var d destination
	withServer(t, configFor(func(ctx context.Context, e *events.Event) error {
		<-ctx.Done()
		time.Sleep(time.Second)
		return d.handle(ctx, e)
	}), func(s *testServer) {
		s.want(s.send("1"), http.StatusServiceUnavailable)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := d.calls.Load(); n != 1 {
			t.Errorf("%d calls", n)
		}
		d.recover()
		synctest.Wait()
		if n := d.calls.Load(); n != 1 {
			t.Errorf("%d calls after the request", n)
		}
	})
}
