package consumer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

func TestNoHandlerStartsOnALostLease(t *testing.T) {
	within(t, queueName, func(s *site) {
		works := s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", FailEntries: 10, Code: "ReceiptHandleIsInvalid"})
		s.sendCall("a", 1, 2)
		s.start(func(context.Context, *events.Event) error {
			if len(s.begun()) == 1 {
				time.Sleep(50 * time.Second) // ignores its context
			}
			return nil
		}, orderByCall)
		time.Sleep(55 * time.Second)
		s.wantBegun(1) // though the second one's turn has come
		s.wantOutcomes("failed 1 handled 1")
		s.mu.Lock()
		for _, r := range s.results {
			if r.Outcome == events.Failed && !errors.Is(r.Err, consumer.ErrLeaseLost) {
				t.Errorf("failed by %v, want the lost lease", r.Err)
			}
		}
		s.mu.Unlock()
		works()
		time.Sleep(time.Minute)
		s.wantBegun(2)
		s.wantOutcomes("duplicate 1 failed 1 handled 2")
		s.wantDepth(sqslocal.Depth{})
	})
}
