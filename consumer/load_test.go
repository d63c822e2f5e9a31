package consumer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

// roundTrip is about how long a call of AWS takes.
const roundTrip = 20 * time.Millisecond

// sparing is a client of a server that never returns more than most messages at once.
type sparing struct {
	consumer.SQS
	most int32
}

func (c sparing) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	fewer := *in
	fewer.MaxNumberOfMessages = min(in.MaxNumberOfMessages, c.most)
	return c.SQS.ReceiveMessage(ctx, &fewer, options...)
}

func TestBacklogIsHandledAtFullSpeedThoughAnswersAreNotFull(t *testing.T) {
	for _, most := range []int32{6, 9, 10} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			within(t, queueName, func(s *site) {
				s.send(ids(5000)...)
				s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Delay: roundTrip})
				s.startWith(sparing{s.client, most}, working(500*time.Millisecond), func(cfg *consumer.Config) { cfg.Concurrency = 1000 })
				time.Sleep(5 * time.Second)
				s.wantOutcomes("handled 5000")
			})
		})
	}
}

func TestTrickleCostsOneReceiveAMessage(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Delay: roundTrip})
		s.start(working(50 * time.Millisecond))
		for _, id := range ids(600) { // 20 a second
			s.send(id)
			time.Sleep(50 * time.Millisecond)
		}
		s.wantCalls("ReceiveMessage", 603)
		time.Sleep(time.Minute)
		s.wantOutcomes("handled 600")
	})
}

// Handlers take different times, so slots become free one by one. Without waiting for
// more of them, this takes 0.37 receives a message, and without waiting for other
// deletes, 0.8 deletes.
func TestCallsAreSharedUnderLoad(t *testing.T) {
	const messages = 5000
	within(t, queueName, func(s *site) {
		s.send(ids(messages)...)
		s.srv.Inject(sqslocal.Fault{Delay: roundTrip})
		s.start(func(ctx context.Context, e *events.Event) error {
			return working(time.Duration(rand.ExpFloat64()*float64(50*time.Millisecond)))(ctx, e)
		})
		time.Sleep(20 * time.Second)
		s.wantOutcomes("handled 5000")
		s.wantDepth(sqslocal.Depth{})
		s.wantCalls("ReceiveMessage", 0.17*messages)
		s.wantCalls("DeleteMessageBatch", 0.11*messages)
	})
}
