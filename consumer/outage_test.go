package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// downstream is a service that a handler depends on.
type downstream struct{ down atomic.Bool }

func (d *downstream) handle(context.Context, *events.Event) error {
	if d.down.Load() {
		return errDown
	}
	return nil
}

const (
	tripped = "most messages fail, receiving only one now and then until one succeeds"
	closed  = "messages no longer fail, receiving as before"
)

func (s *site) wantLogged(message string, times int) {
	s.t.Helper()
	if n := s.logs.FilterMessage(message).Len(); n != times {
		s.t.Errorf("%q was logged %d times, want %d", message, n, times)
	}
}

func TestOutageDoesNotMoveTheQueueToTheDeadLetterQueue(t *testing.T) {
	within(t, queueName, func(s *site) { // which allows five receives
		var crm downstream
		crm.down.Store(true)
		s.send(ids(500)...)
		s.start(crm.handle)
		time.Sleep(time.Hour)
		if dead := s.srv.Depth(deadLetter); dead != (sqslocal.Depth{}) {
			t.Errorf("dead letters after an hour's outage: %+v", dead)
		}
		s.wantCalls("ReceiveMessage", 400) // half of them find nothing
		crm.down.Store(false)
		time.Sleep(15 * time.Minute)
		s.wantDepth(sqslocal.Depth{})
		if dead := s.srv.Depth(deadLetter); dead != (sqslocal.Depth{}) {
			t.Errorf("dead letters after the outage: %+v", dead)
		}
		s.wantLogged(tripped, 1)
		s.wantLogged(closed, 1)
	})
}

func TestOutageDoesNotMoveFewMessagesToTheDeadLetterQueue(t *testing.T) {
	for _, few := range []int{5, 10, 50} {
		within(t, queueName, func(s *site) {
			s.send(ids(few)...)
			s.start(fail)
			time.Sleep(time.Hour)
			if dead := s.srv.Depth(deadLetter); dead != (sqslocal.Depth{}) {
				t.Errorf("of %d messages, dead letters after an hour's outage: %+v", few, dead)
			}
		})
	}
}

func TestProbeIsReceivedAlone(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send(ids(500)...)
		s.start(fail)
		time.Sleep(time.Minute)
		before := s.srv.Calls("ReceiveMessage")
		time.Sleep(30 * time.Minute)
		s.stop()
		// One for each five minutes, and a few for polls without a message.
		if n := s.srv.Calls("ReceiveMessage") - before; n > 8 {
			t.Errorf("%d receives in half an hour of an outage", n)
		}
	})
}

func TestProbeThatAlwaysFailsIsReplaced(t *testing.T) {
	within(t, queueName, func(s *site) {
		var crm downstream
		crm.down.Store(true)
		poison := ""
		s.start(func(ctx context.Context, e *events.Event) error {
			if len(s.begun()) == 11 {
				poison = e.ID // the first probe
			}
			if e.ID == poison {
				return errDown
			}
			return crm.handle(ctx, e)
		})
		s.send(ids(100)...)
		time.Sleep(time.Minute)
		crm.down.Store(false)
		time.Sleep(6 * time.Minute)
		s.wantLogged(closed, 1)
	})
}

func TestErrorsThatShowNothingDoNotCountAsAnOutage(t *testing.T) {
	for name, handle := range map[string]func(context.Context, *events.Event) error{
		"a retry without a cause": func(context.Context, *events.Event) error { return events.RetryAfter(time.Minute, nil) },
		"several of them": func(context.Context, *events.Event) error {
			return errors.Join(events.RetryAfter(time.Minute, nil), fmt.Errorf("store: %w", events.RetryAfter(time.Minute, nil)))
		},
		"a duplicate": func(context.Context, *events.Event) error { return events.ErrDuplicate },
		"a lost lease": func(ctx context.Context, _ *events.Event) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, queueName, func(s *site) {
				s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Status: 500})
				s.send(ids(10)...)
				s.start(handle, func(cfg *consumer.Config) { cfg.VisibilityTimeout = 10 * time.Second })
				time.Sleep(15 * time.Second)
				s.wantLogged(tripped, 0)
			})
		})
	}
}

func TestRetryWithoutACauseDoesNotHideAJoinedFailure(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send(ids(10)...)
		s.start(func(context.Context, *events.Event) error {
			return errors.Join(events.RetryAfter(time.Minute, nil), errDown)
		})
		time.Sleep(15 * time.Second)
		s.wantLogged(tripped, 1)
	})
}

func TestReceivingResumesSoonAfterAnOutage(t *testing.T) {
	within(t, queueName, func(s *site) {
		var crm downstream
		crm.down.Store(true)
		s.start(crm.handle)
		s.send(ids(300)...)
		time.Sleep(5 * time.Minute)
		crm.down.Store(false)
		before := len(s.begun())
		s.send(ids(200)...)
		time.Sleep(5 * time.Second)
		if n := len(s.begun()) - before; n < 200 {
			t.Errorf("%d messages were handled in the five seconds after the outage", n)
		}
	})
}

func TestMessagesReceivedDuringAnOutageAreReturnedWithADelay(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.sendCall("a", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
		s.start(fail, orderByCall) // so that one fails after the other
		time.Sleep(2 * time.Second)
		s.wantOutcomes("failed 5") // then the breaker opened
		s.wantDepth(sqslocal.Depth{InFlight: 10})
	})
}

func TestPoisonMessageDoesNotCountAsAnOutage(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(_ context.Context, e *events.Event) error {
			if e.ID == "poison" {
				return errDown
			}
			return nil
		})
		s.send("poison")
		time.Sleep(10 * time.Minute)
		s.send("call-1")
		time.Sleep(10 * time.Millisecond)
		s.wantLogged(tripped, 0)
		if begun := s.begun(); begun[len(begun)-1] != "call-1" {
			t.Errorf("call-1 had to wait; handlers began for %q", begun)
		}
	})
}

func TestPermanentFailuresDoNotCountAsAnOutage(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send(ids(100)...)
		s.start(func(context.Context, *events.Event) error { return events.Permanent(errors.New("no such customer")) })
		time.Sleep(time.Second)
		s.wantBegun(100)
		s.wantLogged(tripped, 0)
	})
}

func TestFewFailuresAmongManyDoNotCountAsAnOutage(t *testing.T) {
	within(t, queueName, func(s *site) {
		var n atomic.Int32
		s.start(func(context.Context, *events.Event) error {
			if n.Add(1)%3 == 0 {
				return errDown
			}
			return nil
		})
		s.send(ids(1000)...)
		time.Sleep(2 * time.Second)
		s.wantLogged(tripped, 0)
		if len(s.begun()) < 1000 {
			t.Errorf("%d of 1000 handlers have begun", len(s.begun()))
		}
	})
}

func TestHungProbeIsReplaced(t *testing.T) {
	within(t, queueName, func(s *site) {
		release := make(chan struct{})
		s.start(func(context.Context, *events.Event) error {
			switch n := len(s.begun()); {
			case n <= 5:
				return errDown
			case n == 6:
				<-release // ignores its context
			}
			return nil
		})
		s.send(ids(10)...)
		time.Sleep(time.Second)
		s.wantLogged(tripped, 1)
		time.Sleep(2 * time.Minute)
		s.wantLogged(closed, 1)
		close(release)
	})
}

func TestMessagesWaitForUnreadableKeys(t *testing.T) {
	within(t, queueName, func(s *site) {
		path := filepath.Join(t.TempDir(), "secrets")
		write := func(content string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("an older secret")
		ring, err := signature.LoadKeyring(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		write("# being edited")
		s.start(succeed, func(cfg *consumer.Config) { cfg.Keys = ring })
		s.send(ids(200)...)
		time.Sleep(30 * time.Minute)
		s.wantBegun(0)
		s.wantCalls("ReceiveMessage", 250)
		write("an older secret\n" + secret)
		time.Sleep(35 * time.Second)
		s.wantLogged(closed, 1)
		time.Sleep(15 * time.Minute)
		s.wantBegun(200)
		s.wantDepth(sqslocal.Depth{})
		if dead := s.srv.Depth(deadLetter); dead != (sqslocal.Depth{}) {
			t.Errorf("dead letters: %+v", dead)
		}
	})
}
