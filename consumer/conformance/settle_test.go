package conformance_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

func TestLeaseIsExtendedWhileTheHandlerRuns(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		for range 2 { // the other one would get the message
			s.start(working(20*time.Second), leasing(8*time.Second))
		}
		s.send("call-1")
		s.eventuallyIDs(events.Handled, "call-1")
		s.wantHeld(0)
		s.wantHandlers("call-1")
	})
}

func TestFailedComesBackAfterTheDelayItChose(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		var tries []time.Time
		s.start(func(context.Context, *events.Event) error {
			tries = append(tries, time.Now())
			if len(tries) < 3 {
				return events.RetryAfter(time.Second, errDown)
			}
			return nil
		}, leasing(longLease))
		s.send("call-1")
		s.eventuallyIDs(events.Handled, "call-1")
		s.wantHeld(0)
		for i, r := range s.all() {
			if r.ReceiveCount != i+1 {
				s.t.Errorf("try %d has receive count %d", i+1, r.ReceiveCount)
			}
			if i > 0 && tries[i].Sub(tries[i-1]) < 900*time.Millisecond {
				s.t.Errorf("try %d came after %s", i+1, tries[i].Sub(tries[i-1]))
			}
		}
	})
}

func TestHopelessMessagesEndInTheDeadLetterQueue(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		dead := s.create(standard, nil)
		s.url = s.create(standard, attributes{
			"RedrivePolicy": `{"deadLetterTargetArn":"` + s.attributes(dead)["QueueArn"] + `","maxReceiveCount":"2"}`,
		})
		s.sendRaw("unsigned", nil)
		s.send("call-1")
		s.start(func(context.Context, *events.Event) error { return events.RetryAfter(time.Second, errDown) }, leasing(2*time.Second))
		var bodies []string
		s.eventually("both are dead letters", func() bool {
			for _, m := range s.receive(dead) {
				bodies = append(bodies, *m.Body)
			}
			return len(bodies) == 2
		})
		slices.Sort(bodies)
		if want := []string{"unsigned", event("call-1", events.CallEnd)}; !slices.Equal(bodies, want) {
			s.t.Errorf("dead letters are %q, want %q", bodies, want)
		}
		s.wantHandlers("call-1", "call-1")
		s.wantHeld(0)
	})
}

func TestGarbageInABatchSparesTheRest(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		s.send("call-1")
		var got []types.Message
		s.eventually("received", func() bool {
			got = s.receive(s.url)
			return len(got) == 1
		})
		out, err := s.client.DeleteMessageBatch(s.t.Context(), &sqs.DeleteMessageBatchInput{
			QueueUrl: &s.url,
			Entries: []types.DeleteMessageBatchRequestEntry{
				{Id: aws.String("0"), ReceiptHandle: aws.String("garbage")},
				{Id: aws.String("1"), ReceiptHandle: got[0].ReceiptHandle},
			},
		})
		s.check(err)
		if len(out.Successful)+len(out.Failed) != 2 || len(out.Failed) == 1 && *out.Failed[0].Id != "0" {
			s.t.Errorf("successful %v, failed %v", out.Successful, out.Failed)
		}
		s.wantHeld(0)
	})
}

func TestMessageDeletedBehindTheWorkersBack(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		w := s.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "call-1" {
				return working(4*time.Second)(ctx, e)
			}
			return nil
		}, leasing(2*time.Second))
		s.send("call-1")
		s.eventually("begun", func() bool { return len(s.handlers()) == 1 })
		_, err := s.client.DeleteMessage(s.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &s.url, ReceiptHandle: aws.String(w.noted().handle)})
		s.check(err)
		s.eventually("ended", func() bool { return len(s.all()) == 1 })
		// Whether the server says that the message is gone is up to it.
		if r := s.all()[0]; r.Outcome != events.Handled && !errors.Is(r.Err, consumer.ErrLeaseLost) {
			s.t.Errorf("%s: %v", r.Outcome, r.Err)
		}
		s.send("call-2")
		s.eventually("the next one is handled", func() bool { return slices.Contains(s.ids(events.Handled), "call-2") })
		s.wantHeld(0)
		s.wantHandlers("call-1", "call-2")
		if n := w.noted(); n.receives > 6 || n.deletes > 3 || n.changes > 3 {
			s.t.Errorf("%d receives, %d deletes, %d changes of visibility; want few", n.receives, n.deletes, n.changes)
		}
	})
}
