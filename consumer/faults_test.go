package consumer_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

// TestNothingIsLostUnderFaults injects every fault at once, restarts the worker again
// and again, and then lets it finish without faults.
func TestNothingIsLostUnderFaults(t *testing.T) {
	for _, name := range []string{queueName, fifoName} {
		t.Run(name, func(t *testing.T) {
			within(t, name, func(s *site) {
				s.keepFailed()
				removers := s.injectEverything()
				sent := ids(400)
				s.send(sent...)
				for range 8 {
					s.start(erratic, func(cfg *consumer.Config) {
						cfg.VisibilityTimeout = 10 * time.Second
						cfg.Concurrency = 20
						cfg.ShutdownTimeout = 2 * time.Second
					})
					time.Sleep(time.Duration(rand.IntN(90)) * time.Second)
					s.stop()
				}
				for _, remove := range removers {
					remove()
				}
				s.start(succeed)
				time.Sleep(time.Hour)
				s.wantDepth(sqslocal.Depth{})
				begun := make(map[string]bool)
				for _, id := range s.begun() {
					begun[id] = true
				}
				for _, id := range sent {
					if !begun[id] {
						t.Errorf("%s is gone and was never handled", id)
					}
				}
				if err := s.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// keepFailed removes the redrive policy, so that failed messages stay in the queue.
func (s *site) keepFailed() {
	_, err := s.client.SetQueueAttributes(s.t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &s.url, Attributes: map[string]string{"RedrivePolicy": ""}})
	if err != nil {
		s.t.Fatal(err)
	}
}

// injectEverything switches on every fault, each for a share of the calls.
func (s *site) injectEverything() (removers []func()) {
	for _, action := range []string{"ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"} {
		for _, fault := range []sqslocal.Fault{
			{Status: 500, Chance: 0.1},
			{Code: "RequestThrottled", Chance: 0.1},
			{DropBefore: true, Chance: 0.05},
			{DropAfter: true, Chance: 0.05},
			{Hang: true, Chance: 0.02},
			{Delay: 3 * time.Second, Chance: 0.1},
			{EntryChance: 0.3, Chance: 0.2},
			{Duplicate: true, Chance: 0.2},
		} {
			fault.Action = action
			removers = append(removers, s.srv.Inject(fault))
		}
	}
	return removers
}

// erratic is a handler that takes up to three leases, and fails one time in five.
func erratic(ctx context.Context, e *events.Event) error {
	if err := working(rand.N(rand.N(30*time.Second)+1))(ctx, e); err != nil {
		return err
	}
	if rand.IntN(5) == 0 {
		return errDown
	}
	return nil
}
