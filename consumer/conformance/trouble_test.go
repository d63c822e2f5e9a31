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
)

func TestQuarantineHoldsWhatCameAndWhy(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		quarantine := s.create(standard, nil)
		s.sendRaw(event("unsigned", events.CallEnd), nil)
		s.sendRaw("not JSON", signed("not JSON"))
		s.sendRaw("binary", attribute("Binary", "\x00\xff"))
		s.send("call-1")
		s.start(succeed, func(cfg *consumer.Config) {
			cfg.OnRejected, cfg.QuarantineQueueURL = consumer.Quarantine, quarantine
		})
		s.wantHeld(0)
		s.wantHandlers("call-1")

		why := make(map[string]string)
		s.eventually("three are in quarantine", func() bool {
			for _, m := range s.receive(quarantine) {
				why[*m.Body] = aws.ToString(m.MessageAttributes["WILDIX-REASON"].StringValue)
				original := m.MessageAttributes["X-SIGNATURE"]
				switch *m.Body {
				case "not JSON":
					if aws.ToString(original.StringValue) != *signed("not JSON")["X-SIGNATURE"].StringValue {
						s.t.Errorf("the signature came as %v", original)
					}
				case "binary":
					if string(original.BinaryValue) != "\x00\xff" {
						s.t.Errorf("the binary attribute came as %v", original)
					}
				}
			}
			return len(why) == 3
		})
		if got := slices.Sorted(maps.Values(why)); !slices.Equal(got, []string{
			"malformed event: not JSON at byte 2", "signature missing", "the attribute X-SIGNATURE is not a String",
		}) {
			s.t.Errorf("in quarantine because of %q", got)
		}
	})
}

func TestEventsOfOneCallAreHandledOneAtATime(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		var running [3]atomic.Int32
		for i := range 30 {
			body := fmt.Sprintf(`{"id":"%d","type":"call:update","time":%d}`, i%len(running), 1693389853611+i)
			s.sendRaw(body, signed(body))
		}
		s.start(func(ctx context.Context, e *events.Event) error {
			call := &running[e.ID[0]-'0']
			if call.Add(1) > 1 {
				s.t.Errorf("two handlers for events of call %s", e.ID)
			}
			defer call.Add(-1)
			return working(20*time.Millisecond)(ctx, e)
		}, func(cfg *consumer.Config) { cfg.OrderByCall = true })
		s.eventually("all are handled", func() bool { return len(s.ids(events.Handled)) == 30 })
		s.wantHeld(0)
	})
}

func TestOutageDownstreamFillsNoDeadLetterQueue(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		dead := s.create(standard, nil)
		s.url = s.create(standard, attributes{
			"RedrivePolicy": `{"deadLetterTargetArn":"` + s.attributes(dead)["QueueArn"] + `","maxReceiveCount":"4"}`,
		})
		sent := make([]string, 100)
		for i := range sent {
			sent[i] = fmt.Sprintf("call-%02d", i)
		}
		s.send(sent...)
		var mended atomic.Bool
		time.AfterFunc(8*time.Second, func() { mended.Store(true) })
		s.start(func(context.Context, *events.Event) error {
			if mended.Load() {
				return nil
			}
			return events.RetryAfter(0, errDown) // at once, the worst that a handler can ask for
		}, leasing(longLease), func(cfg *consumer.Config) { cfg.Concurrency = 10 })
		s.eventuallyIDs(events.Handled, sent...)
		s.wantHeld(0)
	})
}

// broken makes trouble where it has a function for it.
type broken struct {
	consumer.SQS
	extend  func() error // instead of an extension
	receive func(*sqs.ReceiveMessageOutput) (*sqs.ReceiveMessageOutput, error)
}

func (b *broken) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out, err := b.SQS.ReceiveMessage(ctx, in, options...)
	if err != nil || b.receive == nil {
		return out, err
	}
	return b.receive(out)
}

func (b *broken) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, options ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	if b.extend != nil {
		return nil, b.extend()
	}
	return b.SQS.ChangeMessageVisibilityBatch(ctx, in, options...)
}

var errLost = errors.New("connection lost")

func TestSecondDeliveryStartsNoSecondHandler(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		var lost atomic.Int32
		client := &broken{SQS: s.client, extend: func() error {
			lost.Add(1)
			return errLost
		}}
		s.startWith(client, func(context.Context, *events.Event) error {
			time.Sleep(6 * time.Second) // deaf, and longer than two leases that are not extended
			return nil
		}, leasing(2*time.Second))
		s.send("call-1")
		s.eventually("its handler has begun", func() bool { return len(s.handlers()) == 1 })
		s.wantHeld(0) // so the delete was made with the newest handle
		s.wantHandlers("call-1")
		if lost.Load() == 0 {
			s.t.Error("no extension was tried")
		}
	})
}

func TestLostAnswersLoseNothing(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		var answers atomic.Int32
		client := &broken{SQS: s.client, receive: func(out *sqs.ReceiveMessageOutput) (*sqs.ReceiveMessageOutput, error) {
			if len(out.Messages) > 0 && answers.Add(1)%3 == 1 {
				return nil, errLost
			}
			return out, nil
		}}
		sent := make([]string, 60)
		for i := range sent {
			sent[i] = fmt.Sprintf("call-%02d", i)
		}
		s.send(sent...)
		s.startWith(client, succeed, leasing(2*time.Second), func(cfg *consumer.Config) { cfg.Concurrency = 5 })
		s.eventuallyIDs(events.Handled, sent...)
		s.wantHeld(0)
	})
}
