package conformance_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

func TestLeaseIsExtendedWhileHandlerRuns(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		for range 2 { // the other worker would get the message if the lease ended
			q.start(sleepFor(20*time.Second), withLease(8*time.Second))
		}
		q.send("call-1")
		q.wantEventually(events.Handled, "call-1")
		q.wantDepth(0)
		q.wantStarted("call-1")
	})
}

func TestFailedMessageReturnsAfterItsDelay(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		var tries []time.Time
		q.start(func(context.Context, *events.Event) error {
			tries = append(tries, time.Now())
			if len(tries) < 3 {
				return events.RetryAfter(time.Second, errDown)
			}
			return nil
		}, withLease(longLease))
		q.send("call-1")
		q.wantEventually(events.Handled, "call-1")
		q.wantDepth(0)
		for i, r := range q.observed() {
			if r.ReceiveCount != i+1 {
				q.t.Errorf("try %d has the receive count %d", i+1, r.ReceiveCount)
			}
			if i > 0 && tries[i].Sub(tries[i-1]) < 900*time.Millisecond {
				q.t.Errorf("try %d came after %s", i+1, tries[i].Sub(tries[i-1]))
			}
		}
	})
}

func TestFailingMessagesReachDeadLetterQueue(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		dead := q.create(standard, nil)
		q.url = q.create(standard, attributes{
			"RedrivePolicy": `{"deadLetterTargetArn":"` + q.attributes(dead)["QueueArn"] + `","maxReceiveCount":"2"}`,
		})
		q.sendRaw("unsigned", nil)
		q.send("call-1")
		q.start(func(context.Context, *events.Event) error { return events.RetryAfter(time.Second, errDown) }, withLease(2*time.Second))
		var bodies []string
		q.eventually("both messages are dead letters", func() bool {
			for _, m := range q.receive(dead) {
				bodies = append(bodies, *m.Body)
			}
			return len(bodies) == 2
		})
		slices.Sort(bodies)
		if want := []string{"unsigned", event("call-1", events.CallEnd)}; !slices.Equal(bodies, want) {
			q.t.Errorf("dead letters are %q, want %q", bodies, want)
		}
		q.wantStarted("call-1", "call-1")
		q.wantDepth(0)
	})
}

func TestRedrivenMessageIsHandledAgain(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		dead := q.create(standard, nil)
		deadARN := q.attributes(dead)["QueueArn"]
		q.url = q.create(standard, attributes{"RedrivePolicy": `{"deadLetterTargetArn":"` + deadARN + `","maxReceiveCount":"2"}`})
		q.send("call-1")
		var corrected atomic.Bool
		q.start(func(context.Context, *events.Event) error {
			if corrected.Load() {
				return nil
			}
			return events.Permanent(errDown)
		}, withLease(2*time.Second))
		q.eventually("the message is a dead letter", func() bool { return q.depth() == 0 })
		q.wantStarted("call-1")
		corrected.Store(true)
		arn := q.attributes(q.url)["QueueArn"]
		_, err := q.client.StartMessageMoveTask(q.t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: &deadARN, DestinationArn: &arn})
		q.check(err)
		q.wantEventually(events.Handled, "call-1")
		q.wantStarted("call-1", "call-1")
	})
}

func TestInvalidReceiptHandleFailsOnlyItsEntry(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		q.send("call-1")
		var got []types.Message
		q.eventually("the message is received", func() bool {
			got = q.receive(q.url)
			return len(got) == 1
		})
		out, err := q.client.DeleteMessageBatch(q.t.Context(), &sqs.DeleteMessageBatchInput{
			QueueUrl: &q.url,
			Entries: []types.DeleteMessageBatchRequestEntry{
				{Id: aws.String("0"), ReceiptHandle: aws.String("garbage")},
				{Id: aws.String("1"), ReceiptHandle: got[0].ReceiptHandle},
			},
		})
		q.check(err)
		if len(out.Successful)+len(out.Failed) != 2 || len(out.Failed) == 1 && *out.Failed[0].Id != "0" {
			q.t.Errorf("successful %v, failed %v", out.Successful, out.Failed)
		}
		q.wantDepth(0)
	})
}

func TestMessageDeletedByAnotherClient(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		w := q.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "call-1" {
				return sleepFor(4*time.Second)(ctx, e)
			}
			return nil
		}, withLease(2*time.Second))
		q.send("call-1")
		q.eventually("the handler is running", func() bool { return len(q.startedIDs()) == 1 })
		_, err := q.client.DeleteMessage(q.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: aws.String(w.recorded().handle)})
		q.check(err)
		q.eventually("the message has an outcome", func() bool { return len(q.observed()) == 1 })
		// Servers may report that the message is gone, or not.
		if r := q.observed()[0]; r.Outcome != events.Handled && !errors.Is(r.Err, consumer.ErrLeaseLost) {
			q.t.Errorf("%s: %v", r.Outcome, r.Err)
		}
		q.send("call-2")
		q.eventually("the next one is handled", func() bool { return slices.Contains(q.idsOf(events.Handled), "call-2") })
		q.wantDepth(0)
		q.wantStarted("call-1", "call-2")
		if n := w.recorded(); n.receives > 6 || n.deletes > 3 || n.changes > 3 {
			q.t.Errorf("%d receives, %d deletes, %d visibility changes; want at most 6, 3, 3", n.receives, n.deletes, n.changes)
		}
	})
}
