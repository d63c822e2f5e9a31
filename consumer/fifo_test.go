package consumer_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

func TestFIFOGroupIsHandledInOrder(t *testing.T) {
	within(t, fifoName, func(s *site) {
		s.send("a1", "a2", "b1", "a3", "b2", "b3", "a4")
		s.start(working(3 * time.Second))
		time.Sleep(time.Minute)
		s.wantOutcomes("handled 7")
		s.wantDepth(sqslocal.Depth{})
		order := map[byte]string{}
		for _, id := range s.begun() {
			order[id[0]] += id
		}
		if order['a'] != "a1a2a3a4" || order['b'] != "b1b2b3" {
			t.Errorf("handled in the order %v", s.begun())
		}
	})
}

func TestFIFOGroupRunsOneAtATime(t *testing.T) {
	within(t, fifoName, func(s *site) {
		s.send("a1", "a2", "b1")
		s.start(working(10 * time.Second))
		time.Sleep(5 * time.Second)
		s.wantBegun(2) // a1 and b1
		time.Sleep(10 * time.Second)
		s.wantBegun(3)
	})
}

func TestFIFOFailureReturnsTheLaterMessages(t *testing.T) {
	within(t, fifoName, func(s *site) {
		var down atomic.Bool
		down.Store(true)
		s.start(func(context.Context, *events.Event) error {
			if down.Load() {
				return events.RetryAfter(30*time.Second, errDown)
			}
			return nil
		})
		s.send("a1", "a2", "a3")
		time.Sleep(20 * time.Second)
		s.wantOutcomes("failed 1")
		down.Store(false)
		time.Sleep(time.Minute)
		if got := fmt.Sprint(s.begun()); got != "[a1 a1 a2 a3]" {
			t.Errorf("handled %s", got)
		}
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestUnstartedFIFOMessagesAreReturned(t *testing.T) {
	within(t, fifoName, func(s *site) {
		s.send("a1", "a2", "a3")
		s.start(working(10 * time.Second))
		time.Sleep(time.Second)
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		s.wantBegun(1)
		s.wantDepth(sqslocal.Depth{Visible: 2})
	})
}

func TestFIFOGroupDoesNotWaitForALingeringDelete(t *testing.T) {
	within(t, fifoName, func(s *site) {
		s.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "slow" {
				return working(20*time.Second)(ctx, e)
			}
			return nil
		})
		s.send("slow", "a1")
		time.Sleep(100 * time.Millisecond)
		s.send("a2")
		time.Sleep(100 * time.Millisecond)
		s.wantBegun(3)
	})
}

func TestFIFOMessageThatFailsAtOnceIsNotOvertaken(t *testing.T) {
	for range 50 { // the scheduler decides whether a worker is faster than the poller
		within(t, fifoName, func(s *site) {
			s.start(func(context.Context, *events.Event) error {
				if len(s.begun()) == 1 {
					return errDown
				}
				return nil
			})
			s.send("a1", "a2", "a3", "a4", "a5")
			time.Sleep(time.Minute)
			if got := fmt.Sprint(s.begun()); got != "[a1 a1 a2 a3 a4 a5]" {
				t.Errorf("handled %s", got)
			}
		})
	}
}

func TestFIFOMessageIsNotOvertakenWhileItIsReturned(t *testing.T) {
	within(t, fifoName, func(s *site) {
		// The return is refused, and then hangs until the lease has ended and SQS
		// delivers the whole group again.
		works := s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", FailEntries: 1})
		s.start(func(context.Context, *events.Event) error {
			if len(s.begun()) == 1 {
				return errDown
			}
			return nil
		})
		s.send("a1", "a2")
		time.Sleep(54 * time.Second)
		works()
		s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Count: 1, Hang: true})
		time.Sleep(5 * time.Minute)
		if got := fmt.Sprint(s.begun()); got != "[a1 a1 a2]" {
			t.Errorf("handled %s", got)
		}
	})
}

func TestFIFOGroupContinuesAfterAPermanentFailure(t *testing.T) {
	within(t, fifoName, func(s *site) {
		s.redriveAfter(5)
		s.start(func(_ context.Context, e *events.Event) error {
			if e.ID == "a1" {
				return events.Permanent(errDown)
			}
			return nil
		})
		s.send("a1", "a2", "a3")
		time.Sleep(time.Minute)
		s.send("a4", "a5") // while a1 is in flight, but no longer with the consumer
		time.Sleep(20 * time.Minute)
		if got := fmt.Sprint(s.begun()); got != "[a1 a2 a3 a4 a5]" {
			t.Errorf("handled %s", got)
		}
		s.wantDepth(sqslocal.Depth{})
		if dead := s.srv.Depth("dead.fifo"); dead.Visible != 1 {
			t.Errorf("dead letters: %+v", dead)
		}
	})
}

// redriveAfter gives the FIFO queue a redrive policy, unless receives is 0.
func (s *site) redriveAfter(receives int) {
	s.t.Helper()
	if receives == 0 {
		return
	}
	if _, err := s.srv.CreateQueue("dead.fifo", map[string]string{"FifoQueue": "true"}); err != nil {
		s.t.Fatal(err)
	}
	policy := fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":"%d"}`, receives)
	_, err := s.client.SetQueueAttributes(s.t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &s.url, Attributes: map[string]string{"RedrivePolicy": policy},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestFIFOMessageIsNotOvertakenWhileItIsHandled(t *testing.T) {
	for range 20 { // the scheduler decides whether the handler ends in the wrong moment
		within(t, fifoName, func(s *site) {
			// Every extension fails, so the lease ends and SQS delivers the group
			// again, just when the handler is cancelled.
			s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Count: 20, Status: 500})
			s.start(func(ctx context.Context, _ *events.Event) error {
				if len(s.begun()) > 1 {
					return nil
				}
				time.Sleep(60*time.Second + 2*time.Millisecond)
				return errDown
			}, func(cfg *consumer.Config) { cfg.HandlerTimeout = 2 * time.Minute })
			s.send("a1")
			time.Sleep(time.Second)
			s.send("a2", "a3")
			time.Sleep(10 * time.Minute)
			if got := fmt.Sprint(s.begun()); got != "[a1 a1 a2 a3]" {
				t.Errorf("handled %s", got)
			}
		})
	}
}
