package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/events/route"
	"wildix-worker/internal/sqscall"
)

func TestQuarantineKeepsMessageAndReason(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		quarantine := q.create(standard, nil)
		q.sendRaw(event("unsigned", events.CallEnd), nil)
		q.sendRaw("not JSON", signed("not JSON"))
		q.sendRaw("binary", attribute("Binary", "\x00\xff"))
		q.send("call-1")
		q.start(succeed, func(cfg *consumer.Config) {
			cfg.OnRejected, cfg.QuarantineQueueURL = consumer.Quarantine, quarantine
		})
		q.wantDepth(0)
		q.wantStarted("call-1")

		reasons := make(map[string]string)
		q.eventually("three messages are in quarantine", func() bool {
			for _, m := range q.receive(quarantine) {
				reasons[*m.Body] = aws.ToString(m.MessageAttributes["WILDIX-REASON"].StringValue)
				original := m.MessageAttributes[sqscall.SignatureAttribute]
				switch *m.Body {
				case "not JSON":
					if aws.ToString(original.StringValue) != *signed("not JSON")[sqscall.SignatureAttribute].StringValue {
						q.t.Errorf("the signature arrived as %v", original)
					}
				case "binary":
					if string(original.BinaryValue) != "\x00\xff" {
						q.t.Errorf("the binary attribute arrived as %v", original)
					}
				}
			}
			return len(reasons) == 3
		})
		if got := slices.Sorted(maps.Values(reasons)); !slices.Equal(got, []string{
			"malformed event: not JSON at byte 2", "signature missing", "the attribute X-SIGNATURE is not a String",
		}) {
			q.t.Errorf("reasons for quarantine %q", got)
		}
	})
}

func TestEventsOfOneCallAreHandledOneAtATime(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		var running [3]atomic.Int32
		for i := range 30 {
			body := fmt.Sprintf(`{"id":"%d","type":"call:update","time":%d}`, i%len(running), 1693389853611+i)
			q.sendRaw(body, signed(body))
		}
		q.start(func(ctx context.Context, e *events.Event) error {
			call := &running[e.ID[0]-'0']
			if call.Add(1) > 1 {
				q.t.Errorf("two handlers are running for call %s", e.ID)
			}
			defer call.Add(-1)
			return sleepFor(20*time.Millisecond)(ctx, e)
		}, func(cfg *consumer.Config) { cfg.OrderByCall = true })
		q.eventually("all are handled", func() bool { return len(q.idsOf(events.Handled)) == 30 })
		q.wantDepth(0)
	})
}

func TestDownstreamOutageProducesNoDeadLetters(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		dead := q.create(standard, nil)
		q.url = q.create(standard, attributes{
			"RedrivePolicy": `{"deadLetterTargetArn":"` + q.attributes(dead)["QueueArn"] + `","maxReceiveCount":"4"}`,
		})
		sent := make([]string, 100)
		for i := range sent {
			sent[i] = fmt.Sprintf("call-%02d", i)
		}
		q.send(sent...)
		var restored atomic.Bool
		time.AfterFunc(8*time.Second, func() { restored.Store(true) })
		router, err := route.New(route.Config{Destinations: []route.Destination{{
			Name: "crm",
			Handler: events.HandlerFunc(func(context.Context, *events.Event) error {
				if restored.Load() {
					return nil
				}
				return errDown
			}),
		}}})
		if err != nil {
			q.t.Fatal(err)
		}
		q.start(router.HandleEvent, withLease(longLease), func(cfg *consumer.Config) { cfg.Concurrency = 10 })
		q.wantEventually(events.Handled, sent...)
		q.wantDepth(0)
	})
}

// A faultyClient replaces the results of calls. Nil functions change nothing.
type faultyClient struct {
	consumer.SQS
	extend  func() error // called instead of changing visibility
	receive func(*sqs.ReceiveMessageOutput) (*sqs.ReceiveMessageOutput, error)
}

func (c *faultyClient) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out, err := c.SQS.ReceiveMessage(ctx, in, options...)
	if err != nil || c.receive == nil {
		return out, err
	}
	return c.receive(out)
}

func (c *faultyClient) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, options ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	if c.extend != nil {
		return nil, c.extend()
	}
	return c.SQS.ChangeMessageVisibilityBatch(ctx, in, options...)
}

var errLost = errors.New("connection lost")

func TestSecondDeliveryStartsNoSecondHandler(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		var lost atomic.Int32
		client := &faultyClient{SQS: q.client, extend: func() error {
			lost.Add(1)
			return errLost
		}}
		q.startWith(client, func(context.Context, *events.Event) error {
			time.Sleep(6 * time.Second) // ignores its context, for longer than two leases
			return nil
		}, withLease(2*time.Second))
		q.send("call-1")
		q.eventually("the handler is running", func() bool { return len(q.startedIDs()) == 1 })
		q.wantDepth(0) // so it was deleted with the newest receipt handle
		q.wantStarted("call-1")
		if lost.Load() == 0 {
			q.t.Error("the lease was not extended")
		}
	})
}

func TestLostReceiveAnswersLoseNoMessage(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		var answers atomic.Int32
		client := &faultyClient{SQS: q.client, receive: func(out *sqs.ReceiveMessageOutput) (*sqs.ReceiveMessageOutput, error) {
			if len(out.Messages) > 0 && answers.Add(1)%3 == 1 {
				return nil, errLost
			}
			return out, nil
		}}
		sent := make([]string, 60)
		for i := range sent {
			sent[i] = fmt.Sprintf("call-%02d", i)
		}
		q.send(sent...)
		q.startWith(client, succeed, withLease(2*time.Second), func(cfg *consumer.Config) { cfg.Concurrency = 5 })
		q.wantEventually(events.Handled, sent...)
		q.wantDepth(0)
	})
}
