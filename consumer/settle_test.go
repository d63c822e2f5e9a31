package consumer_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

func TestDeletesAreBatchedByTen(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send(ids(1000)...)
		s.start(succeed)
		time.Sleep(5 * time.Second)
		s.wantOutcomes("handled 1000")
		s.wantDepth(sqslocal.Depth{})
		s.wantCalls("DeleteMessageBatch", 105)
	})
}

func TestDeletesWaitToShareCalls(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(succeed)
		for _, id := range ids(100) {
			s.send(id)
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Second)
		s.wantOutcomes("handled 100")
		s.wantDepth(sqslocal.Depth{})
		s.wantCalls("DeleteMessageBatch", 30)
	})
}

func TestQuietWorkerDoesNotLinger(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(succeed)
		s.send("call-1")
		time.Sleep(200 * time.Millisecond)
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestLingerIsShorterThanTheLease(t *testing.T) {
	within(t, queueName, func(s *site) {
		// One handler keeps the worker busy, so the other's delete lingers.
		s.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "slow" {
				return working(20*time.Second)(ctx, e)
			}
			return nil
		}, func(cfg *consumer.Config) { cfg.VisibilityTimeout = 2 * time.Second })
		s.send("slow", "quick")
		time.Sleep(500 * time.Millisecond)
		s.wantDepth(sqslocal.Depth{InFlight: 1})
	})
}

func TestComplaint08EveryFailedDeleteIsTriedAgain(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "DeleteMessageBatch", Count: 3, FailEntries: 4})
		s.send(ids(10)...)
		s.start(succeed)
		time.Sleep(20 * time.Second)
		s.wantDepth(sqslocal.Depth{})
		s.wantOutcomes("handled 10")
		if n := s.srv.Calls("DeleteMessageBatch"); n < 4 {
			t.Errorf("%d calls of DeleteMessageBatch, three of which failed in part", n)
		}
	})
}

func TestLeaseIsExtendedWhileTheHandlerRuns(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(working(3*time.Hour), func(cfg *consumer.Config) { cfg.HandlerTimeout = 4 * time.Hour })
		s.send(ids(25)...)
		time.Sleep(2 * time.Hour)
		s.wantDepth(sqslocal.Depth{InFlight: 25})
		time.Sleep(2 * time.Hour)
		s.wantOutcomes("handled 25")
		s.wantDepth(sqslocal.Depth{})
		// Every half minute, 25 messages in three calls.
		s.wantCalls("ChangeMessageVisibilityBatch", 3*60*2*3+10)
	})
}

func TestLeaseIsExtendedWhileTheDeleteWaits(t *testing.T) {
	within(t, queueName, func(s *site) {
		works := s.srv.Inject(sqslocal.Fault{Action: "DeleteMessageBatch", Status: 503})
		s.send(ids(12)...)
		s.start(succeed)
		time.Sleep(30 * time.Minute)
		s.wantDepth(sqslocal.Depth{InFlight: 12})
		works()
		time.Sleep(10 * time.Second)
		s.wantDepth(sqslocal.Depth{})
		s.wantOutcomes("handled 12")
	})
}

func TestLeaseEndsAfterTwelveHours(t *testing.T) {
	within(t, queueName, func(s *site) {
		type end struct {
			after time.Duration
			cause error
		}
		ends := make(chan end, 1)
		s.start(func(ctx context.Context, _ *events.Event) error {
			if len(s.begun()) > 1 {
				return nil
			}
			begun := time.Now()
			if deadline, ok := ctx.Deadline(); !ok || deadline.After(begun.Add(12*time.Hour-time.Second)) {
				t.Errorf("the deadline is in %s, after the longest lease", deadline.Sub(begun))
			}
			<-ctx.Done()
			ends <- end{time.Since(begun), context.Cause(ctx)}
			return ctx.Err()
		}, func(cfg *consumer.Config) { cfg.HandlerTimeout = 12 * time.Hour })
		s.send("endless")
		time.Sleep(12*time.Hour + time.Minute)
		if got := <-ends; !errors.Is(got.cause, consumer.ErrLeaseLost) || got.after < 12*time.Hour-5*time.Second {
			t.Errorf("cancelled after %v by %v", got.after, got.cause)
		}
		s.wantOutcomes("failed 1 handled 1")
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestLostLeaseCancelsTheHandler(t *testing.T) {
	within(t, queueName, func(s *site) {
		works := s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Status: 500})
		cause := make(chan error, 10)
		s.start(func(ctx context.Context, _ *events.Event) error {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return nil // too late: another consumer may have the message
		}, func(cfg *consumer.Config) { cfg.HandlerTimeout = time.Hour })
		s.send("call-1")
		time.Sleep(59500 * time.Millisecond)
		select {
		case err := <-cause:
			if !errors.Is(err, consumer.ErrLeaseLost) {
				t.Errorf("cause %v", err)
			}
		default:
			t.Error("the handler was not cancelled before SQS makes the message visible")
		}
		works()
		// The handler succeeded, but too late for a delete. The message is deleted and
		// not handled when it is received again.
		time.Sleep(5 * time.Second)
		s.wantBegun(1)
		s.wantOutcomes("duplicate 1 handled 1")
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestLostLeaseCancelsNoOtherHandlerOfItsWorker(t *testing.T) {
	within(t, queueName, func(s *site) {
		works := s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Status: 500})
		s.start(func(ctx context.Context, _ *events.Event) error {
			if len(s.begun()) == 1 {
				<-ctx.Done()
				works()
				return ctx.Err()
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(90 * time.Second): // the lease is extended meanwhile
				return nil
			}
		}, func(cfg *consumer.Config) { cfg.HandlerTimeout, cfg.Concurrency = time.Hour, 1 })
		s.send("call-1", "call-2", "call-3")
		time.Sleep(10 * time.Minute)
		s.wantBegun(4)
		s.wantOutcomes("failed 1 handled 3")
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestHungExtensionDoesNotOutlastTheLease(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Hang: true})
		var cause error
		s.start(func(ctx context.Context, _ *events.Event) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return cause
		}, func(cfg *consumer.Config) { cfg.HandlerTimeout = time.Hour })
		s.send("call-1")
		time.Sleep(59500 * time.Millisecond)
		s.wantOutcomes("failed 1")
		if !errors.Is(cause, consumer.ErrLeaseLost) {
			t.Errorf("cause %v half a second before SQS makes the message visible", cause)
		}
	})
}

func TestComplaint11StaleHandleEndsTheLease(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Count: 1, FailEntries: 1, Code: "ReceiptHandleIsInvalid"})
		s.start(working(10*time.Minute), func(cfg *consumer.Config) { cfg.HandlerTimeout = 20 * time.Minute })
		s.send("call-1")
		time.Sleep(31 * time.Second)
		s.wantOutcomes("failed 1")
		s.wantCalls("ChangeMessageVisibilityBatch", 1)
	})
}

func TestUnconfirmedDeleteIsNotHandledAgain(t *testing.T) {
	within(t, queueName, func(s *site) {
		// Deletes and extensions fail, so the leases end.
		one := s.srv.Inject(sqslocal.Fault{Action: "DeleteMessageBatch", Status: 500})
		two := s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Status: 500})
		s.send(ids(15)...)
		s.start(succeed)
		time.Sleep(90 * time.Second)
		one()
		two()
		time.Sleep(time.Minute)
		s.wantBegun(15)
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestLostDeleteAnswerCausesNoSecondHandling(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "DeleteMessageBatch", Count: 2, DropAfter: true})
		s.send(ids(10)...)
		s.start(succeed)
		time.Sleep(10 * time.Second)
		s.wantOutcomes("handled 10")
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestSecondDeliveryStartsNoSecondHandler(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Count: 3, Duplicate: true})
		s.start(working(20 * time.Second))
		s.send(ids(5)...)
		time.Sleep(25 * time.Second)
		s.wantBegun(5)
		s.wantOutcomes("handled 5")
		// The delete was made with the newest handle, or it would delete nothing.
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestComplaint12DeleteWithAnOlderHandleIsRepeated(t *testing.T) {
	within(t, queueName, func(s *site) {
		// The second delivery comes while the delete is under way. SQS will
		// say that it is done, and do nothing.
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Count: 1, Duplicate: true})
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Count: 1, Delay: 2 * time.Second})
		s.srv.Inject(sqslocal.Fault{Action: "DeleteMessageBatch", Count: 1, Delay: 5 * time.Second})
		s.send("call-1")
		s.start(succeed)
		time.Sleep(10 * time.Second)
		s.wantOutcomes("handled 1")
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestDeliveryAfterALostLeaseWaitsForTheFirstHandler(t *testing.T) {
	within(t, queueName, func(s *site) {
		works := s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Status: 500})
		s.start(func(context.Context, *events.Event) error {
			time.Sleep(3 * time.Minute) // ignores its context
			return nil
		})
		s.send("call-1")
		time.Sleep(2 * time.Minute)
		works()
		time.Sleep(2 * time.Minute)
		s.wantBegun(1)
		s.wantOutcomes("handled 1")
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestComplaint10ReturnIsNotUndoneByAnExtension(t *testing.T) {
	within(t, queueName, func(s *site) {
		// The extension is under way when the handler fails. The return has to wait
		// for its answer, or the extension would undo the delay.
		s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Count: 1, Delay: 5 * time.Second})
		s.start(func(context.Context, *events.Event) error {
			if len(s.begun()) > 1 {
				return nil
			}
			time.Sleep(32 * time.Second)
			return events.RetryAfter(20*time.Second, errDown)
		}, func(cfg *consumer.Config) { cfg.HandlerTimeout = time.Minute })
		s.send("call-1")
		time.Sleep(53 * time.Second)
		s.wantBegun(1)
		time.Sleep(5 * time.Second)
		s.wantBegun(2)
	})
}

// forgetful does not make the first delete, and its answer has no entry.
type forgetful struct {
	consumer.SQS
	deletes atomic.Int32
}

func (f *forgetful) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, options ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	if f.deletes.Add(1) == 1 {
		return &sqs.DeleteMessageBatchOutput{}, nil
	}
	return f.SQS.DeleteMessageBatch(ctx, in, options...)
}

func TestEntryMissingFromTheAnswerIsTriedAgain(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send(ids(3)...)
		s.run(&forgetful{SQS: s.client}, consumer.Config{QueueURL: s.url, Keys: keyring(t, key), Handler: s.recording(succeed)})
		time.Sleep(10 * time.Second)
		s.wantBegun(3)
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestDeliveryAfterTheDeleteIsNotHandledAgain(t *testing.T) {
	within(t, queueName, func(s *site) {
		// The second delivery, which makes the first handle old, is on its
		// way while the message is handled and "deleted".
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Count: 1, Duplicate: true})
		s.send("call-1")
		late := &lateSecond{SQS: s.client}
		s.run(late, consumer.Config{QueueURL: s.url, Keys: keyring(t, key), Handler: s.recording(succeed)})
		time.Sleep(10 * time.Second)
		s.wantBegun(1)
		s.wantDepth(sqslocal.Depth{})
	})
}

// lateSecond delays the answer to the second receive.
type lateSecond struct {
	consumer.SQS
	receives atomic.Int32
}

func (l *lateSecond) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out, err := l.SQS.ReceiveMessage(ctx, in, options...)
	if l.receives.Add(1) == 2 {
		time.Sleep(500 * time.Millisecond)
	}
	return out, err
}
