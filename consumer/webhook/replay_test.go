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

// What is known of the PBX: it waits for 5 s, and tries three times more. It is
// not known to pause between tries, so it does not.
const (
	senderPatience = 5 * time.Second
	senderTries    = 4
)

// deliver sends an event as the PBX does, and reports whether it was taken.
func (s *site) deliver(body string) bool {
	for range senderTries {
		ctx, cancel := context.WithTimeout(s.t.Context(), senderPatience)
		a := s.post(ctx, body, sign(body))
		cancel()
		if a.err == nil && a.status/100 == 2 {
			return true
		}
	}
	return false
}

// replay sends an event every 200 ms for a minute, during which there is an
// outage. It returns how many the PBX gave up.
func (s *site) replay(begin func() (end func()), outage time.Duration) (all []string, givenUp int) {
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

// account counts what came out of what was sent.
func account(sent, got []string) (lost, repeated int) {
	counts := make(map[string]int)
	for _, body := range got {
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

func TestNothingIsLostWhileTheQueueIsDownForLessThanTheRetries(t *testing.T) {
	for name, fault := range map[string]sqslocal.Fault{
		"refusing": {Status: 503}, "dropping": {DropBefore: true}, "hanging": {Hang: true},
		"answers lost": {DropAfter: true}, "denying": {Code: "AccessDeniedException"}, "a part": {EntryChance: 0.5},
	} {
		for _, outage := range []time.Duration{time.Second, 15 * time.Second} {
			t.Run(fmt.Sprint(name, " ", outage), func(t *testing.T) {
				withRelay(t, standard, func(y *yard) {
					s := newSite(y.t, webhook.Config{Handler: y.relay})
					fault.Action = sendAction
					sent, givenUp := s.replay(func() func() { return y.srv.Inject(fault) }, outage)
					lost, repeated := account(sent, y.received())
					t.Logf("sent %d, given up by the PBX %d, lost %d, repeated %d", len(sent), givenUp, lost, repeated)
					if lost > 0 || givenUp > 0 {
						t.Errorf("lost %d, given up %d", lost, givenUp)
					}
					if outage < webhook.DefaultAnswerWithin && !fault.DropAfter && repeated > 0 {
						t.Errorf("repeated %d, though no answer was lost, nor too late", repeated)
					}
					s.stop()
					fatal(t, <-s.done)
					s.client.CloseIdleConnections()
				})
			})
		}
	}
}

// What the handlers depend on hangs: the PBX is kept waiting,
// and its retries last for 18 s.
func TestNothingIsLostWhileTheHandlerHangsForLessThanTheRetries(t *testing.T) {
	for _, outage := range []time.Duration{1050 * time.Millisecond, 5050 * time.Millisecond, 12050 * time.Millisecond} {
		t.Run(outage.String(), func(t *testing.T) {
			var mu sync.Mutex
			var handled []string
			var down chan struct{}
			cfg := direct(func(ctx context.Context, e *events.Event) error {
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
			within(t, cfg, func(s *site) {
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
				lost, repeated := account(sent, handled)
				t.Logf("sent %d, given up by the PBX %d, lost %d, repeated %d", len(sent), givenUp, lost, repeated)
				if lost > 0 || givenUp > 0 || repeated > 0 {
					t.Errorf("lost %d, given up %d, repeated %d", lost, givenUp, repeated)
				}
			})
		})
	}
}

// A handler that fails at once makes for retries at once: this is where a queue
// is needed. What is given up is exactly what is lost.
func TestWhatThePBXGivesUpIsWhatIsLost(t *testing.T) {
	var mu sync.Mutex
	var handled []string
	down := false
	within(t, direct(func(_ context.Context, e *events.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return errDown
		}
		handled = append(handled, string(e.Raw))
		return nil
	}), func(s *site) {
		sent, givenUp := s.replay(func() func() {
			set := func(to bool) {
				mu.Lock()
				defer mu.Unlock()
				down = to
			}
			set(true)
			return func() { set(false) }
		}, 5*time.Second)
		lost, repeated := account(sent, handled)
		t.Logf("sent %d, given up by the PBX %d, lost %d, repeated %d", len(sent), givenUp, lost, repeated)
		if lost != givenUp || lost == 0 || repeated > 0 {
			t.Errorf("lost %d, given up %d, repeated %d", lost, givenUp, repeated)
		}
		if a := s.send("once more"); a.status != http.StatusNoContent || !slices.Contains(handled, event("once more")) {
			t.Errorf("after the outage: answer %d", a.status)
		}
	})
}
