package consumer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

func TestStopIsCleanAndQuick(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(succeed)
		time.Sleep(5 * time.Second) // in the middle of a long poll
		begun := time.Now()
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("an idle worker took %v to stop", took)
		}
	})
}

func TestComplaint02DeletesAreFlushedAtTheStop(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(working(10 * time.Second))
		s.send(ids(30)...)
		time.Sleep(time.Second)
		s.wantBegun(30)
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		s.wantOutcomes("handled 30")
		s.wantDepth(sqslocal.Depth{})
		s.wantDrained("deleted", 30)
	})
}

func TestComplaint04StopReceivesNothingMore(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(working(10 * time.Second))
		s.send(ids(3)...)
		time.Sleep(time.Second)
		s.cancel()
		time.Sleep(2 * time.Second)
		s.send("late-1", "late-2")
		s.stop()
		s.wantBegun(3)
		s.wantDepth(sqslocal.Depth{Visible: 2})
	})
}

func TestComplaint14UnfinishedMessagesAreVisibleAtOnce(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(working(time.Hour), func(cfg *consumer.Config) { cfg.HandlerTimeout = 2 * time.Hour })
		s.send(ids(12)...)
		time.Sleep(time.Second)
		begun := time.Now()
		if err := s.stop(); err != nil {
			t.Errorf("the handlers stopped when cancelled: %v", err)
		}
		if took := time.Since(begun); took > 29*time.Second {
			t.Errorf("stopping took %v, more than ECS allows", took)
		}
		s.wantDepth(sqslocal.Depth{Visible: 12})
	})
}

func TestRunReturnsWithoutAHandlerThatIgnoresItsContext(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(context.Context, *events.Event) error {
			time.Sleep(45 * time.Second)
			return nil
		})
		s.send("deaf")
		time.Sleep(time.Second)
		begun := time.Now()
		if err := s.stop(); err == nil {
			t.Error("a handler that did not stop was not reported")
		}
		if took := time.Since(begun); took > 29*time.Second {
			t.Errorf("stopping took %v", took)
		}
		s.wantDepth(sqslocal.Depth{Visible: 1})
		time.Sleep(time.Minute) // its late success deletes nothing
		s.wantDepth(sqslocal.Depth{Visible: 1})
	})
}

func TestComplaint03AnswerAfterTheStopIsReturned(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Delay: 5 * time.Second})
		s.send(ids(10)...)
		s.start(succeed)
		time.Sleep(4500 * time.Millisecond)
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		s.wantBegun(0)
		s.wantDepth(sqslocal.Depth{Visible: 10})
		// The poll had time to be answered; otherwise its messages could have been lost
		// on the way.
		s.wantDrained("returned", 10)
	})
}

func TestDrainDoesNotLinger(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "slow" {
				return working(10*time.Second)(ctx, e)
			}
			return working(5*time.Second)(ctx, e)
		})
		s.send("slow", "call-1")
		time.Sleep(time.Second)
		s.cancel()
		time.Sleep(4100 * time.Millisecond)
		s.wantDepth(sqslocal.Depth{InFlight: 1}) // call-1 is deleted, though slow still runs
		s.stop()
	})
}

func TestFailureWhileDrainingKeepsItsDelay(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(context.Context, *events.Event) error {
			time.Sleep(3 * time.Second)
			return events.RetryAfter(time.Minute, errDown)
		})
		s.send("call-1")
		time.Sleep(time.Second)
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		s.wantDepth(sqslocal.Depth{InFlight: 1})
	})
}

func TestUnconfirmedDeleteIsReported(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "DeleteMessageBatch", Hang: true})
		s.start(succeed)
		s.send("call-1")
		time.Sleep(time.Second)
		begun := time.Now()
		if err := s.stop(); err == nil {
			t.Error("the delete was not confirmed, and Run returned no error")
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestShortStopDoesNotWaitLongForPolls(t *testing.T) {
	within(t, queueName, func(s *site) {
		// A handler that does not stop, a poll and a return that are not answered:
		// every time limit is reached.
		deaf := make(chan struct{})
		defer close(deaf)
		s.start(func(context.Context, *events.Event) error {
			<-deaf
			return nil
		}, func(cfg *consumer.Config) { cfg.ShutdownTimeout = 100 * time.Millisecond })
		s.send("call-1")
		time.Sleep(time.Second)
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Hang: true})
		s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Hang: true})
		time.Sleep(30 * time.Second)
		begun := time.Now()
		s.stop()
		if took := time.Since(begun); took > 4200*time.Millisecond {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestRunIsCalledOnce(t *testing.T) {
	within(t, queueName, func(s *site) {
		c, err := consumer.New(s.client, consumer.Config{QueueURL: s.url, Keys: keyring(t, key), Handler: events.HandlerFunc(succeed)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(s.t.Context())
		cancel()
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
		if err := c.Run(ctx); err == nil {
			t.Error("a second run was allowed")
		}
	})
}

var errStillWorking = errors.New("still working")

func TestCancelledHandlerGetsTheCause(t *testing.T) {
	within(t, queueName, func(s *site) {
		var cause error
		s.start(func(ctx context.Context, _ *events.Event) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return errStillWorking
		}, func(cfg *consumer.Config) { cfg.ShutdownTimeout = 5 * time.Second })
		s.send("call-1")
		time.Sleep(time.Second)
		s.stop()
		synctest.Wait()
		if !errors.Is(cause, consumer.ErrStopping) {
			t.Errorf("cause %v", cause)
		}
		s.wantDepth(sqslocal.Depth{Visible: 1})
	})
}
