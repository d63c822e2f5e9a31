package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
)

// The PBX waits 5 s and tries three more times. Whether it pauses between tries is not
// known; the tests don't.
const (
	pbxTimeout = 5 * time.Second
	pbxTries   = 4
)

// deliver sends an event as the PBX does, and reports whether it was accepted.
func (s *testServer) deliver(body string) bool {
	for range pbxTries {
		ctx, cancel := context.WithTimeout(s.t.Context(), pbxTimeout)
		a := s.post(ctx, body, sign(body))
		cancel()
		if a.err == nil && a.status/100 == 2 {
			return true
		}
	}
	return false
}

// replay sends an event every 200 ms for a minute. An outage begins after 10 s. It
// returns the bodies of all events, and how many the PBX gave up.
func (s *testServer) replay(begin func() (end func()), outage time.Duration) (all []string, givenUp int) {
	time.AfterFunc(10*time.Second, func() { time.AfterFunc(outage, begin()) })
	var sending sync.WaitGroup
	var mu sync.Mutex
	for i := range 300 {
		body := event(fmt.Sprint("call-", i))
		all = append(all, body)
		sending.Go(func() {
			if !s.deliver(body) {
				mu.Lock()
				defer mu.Unlock()
				givenUp++
			}
		})
		time.Sleep(200 * time.Millisecond)
	}
	sending.Wait()
	return all, givenUp
}

// compare counts the sent events that were not received, and those received more than
// once.
func compare(sent, received []string) (lost, repeated int) {
	counts := make(map[string]int)
	for _, body := range received {
		counts[body]++
	}
	for _, body := range sent {
		switch n := counts[body]; {
		case n == 0:
			lost++
		default:
			repeated += n - 1
		}
	}
	return lost, repeated
}

func TestQueueOutageWithinRetriesLosesNothing(t *testing.T) {
	for name, fault := range map[string]sqslocal.Fault{
		"unavailable": {Status: 503}, "dropping": {DropBefore: true}, "hanging": {Hang: true},
		"answers lost": {DropAfter: true}, "denying": {Code: "AccessDeniedException"}, "a part": {EntryChance: 0.5},
	} {
		for _, outage := range []time.Duration{time.Second, 15 * time.Second} {
			t.Run(fmt.Sprint(name, " ", outage), func(t *testing.T) {
				withRelay(t, standard, func(r *testRelay) {
					s := newTestServer(r.t, webhook.Config{Handler: r.relay})
					fault.Action = sendAction
					sent, givenUp := s.replay(func() func() { return r.srv.Inject(fault) }, outage)
					lost, repeated := compare(sent, r.received())
					t.Logf("sent %d, given up by the PBX %d, lost %d, repeated %d", len(sent), givenUp, lost, repeated)
					if lost > 0 || givenUp > 0 {
						t.Errorf("lost %d, given up %d", lost, givenUp)
					}
					if outage < webhook.DefaultAnswerWithin && !fault.DropAfter && repeated > 0 {
						t.Errorf("repeated %d, though every answer arrived in time", repeated)
					}
					s.stop()
					fatal(t, <-s.done)
					s.client.CloseIdleConnections()
				})
			})
		}
	}
}

// When the handler hangs, each try of the PBX takes as long as it can: four last 18 s.
func TestHandlerOutageWithinRetriesLosesNothing(t *testing.T) {
	for _, outage := range []time.Duration{1050 * time.Millisecond, 5050 * time.Millisecond, 12050 * time.Millisecond} {
		t.Run(outage.String(), func(t *testing.T) {
			var mu sync.Mutex
			var handled []string
			var down chan struct{}
			cfg := configFor(func(ctx context.Context, e *events.Event) error {
				mu.Lock()
				wait := down
				mu.Unlock()
				if wait != nil {
					select {
					case <-wait:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				mu.Lock()
				defer mu.Unlock()
				handled = append(handled, string(e.Raw))
				return nil
			})
			cfg.Concurrency = 1000
			withServer(t, cfg, func(s *testServer) {
				sent, givenUp := s.replay(func() func() {
					mu.Lock()
					defer mu.Unlock()
					hanging := make(chan struct{})
					down = hanging
					return func() {
						mu.Lock()
						defer mu.Unlock()
						close(hanging)
						down = nil
					}
				}, outage)
				lost, repeated := compare(sent, handled)
				t.Logf("sent %d, given up by the PBX %d, lost %d, repeated %d", len(sent), givenUp, lost, repeated)
				if lost > 0 || givenUp > 0 || repeated > 0 {
					t.Errorf("lost %d, given up %d, repeated %d", lost, givenUp, repeated)
				}
			})
		})
	}
}

// When the handler fails at once, the tries of the PBX are over at once too, so even a
// short outage loses events. A queue prevents that.
func TestOnlyEventsThePBXGivesUpAreLost(t *testing.T) {
	var mu sync.Mutex
	var handled []string
	down := false
	withServer(t, configFor(func(_ context.Context, e *events.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return errDown
		}
		handled = append(handled, string(e.Raw))
		return nil
	}), func(s *testServer) {
		sent, givenUp := s.replay(func() func() {
			set := func(to bool) {
				mu.Lock()
				defer mu.Unlock()
				down = to
			}
			set(true)
			return func() { set(false) }
		}, 5*time.Second)
		lost, repeated := compare(sent, handled)
		t.Logf("sent %d, given up by the PBX %d, lost %d, repeated %d", len(sent), givenUp, lost, repeated)
		if lost != givenUp || lost == 0 || repeated > 0 {
			t.Errorf("lost %d, given up %d, repeated %d", lost, givenUp, repeated)
		}
		if a := s.send("once more"); a.status != http.StatusNoContent || !slices.Contains(handled, event("once more")) {
			t.Errorf("after the outage: answer %d", a.status)
		}
	})
}
