package consumer

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/outage"
	"wildix-worker/internal/sqscall"
)

const (
	// pollMargin is how much longer than its wait a poll may take. One that
	// takes longer hangs, as after a lost network.
	pollMargin = 5 * time.Second
	// pollGrace is how long polls may still answer after the stop, but not
	// longer than the shutdown timeout, so that what SQS has already given out
	// is returned instead of stranded.
	pollGrace = time.Second
)

// receiver polls the queue. There is always one poller; another one joins when
// a poll comes back full while slots are free, and leaves when its poll comes
// back with little. So an idle worker makes 180 calls an hour.
type receiver struct {
	client  SQS
	input   sqs.ReceiveMessageInput // all but the number of messages
	slots   *slots
	breaker *breaker
	deliver func(context.Context, []types.Message) // hands over what was received, any time
	trouble *outage.Log
	most    int // pollers that the slots are enough for
	grace   time.Duration
	polling polling

	pollers sync.WaitGroup
	mu      sync.Mutex
	polls   int // pollers there are
}

func newReceiver(client SQS, cfg Config, slots *slots, breaker *breaker, deliver func(context.Context, []types.Message)) *receiver {
	attributes := []types.MessageSystemAttributeName{
		types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp,
	}
	if sqscall.IsFIFO(cfg.QueueURL) {
		attributes = append(attributes, types.MessageSystemAttributeNameMessageGroupId)
	}
	return &receiver{
		client: client,
		input: sqs.ReceiveMessageInput{
			QueueUrl:                    &cfg.QueueURL,
			MessageAttributeNames:       []string{sqscall.SignatureAttribute},
			MessageSystemAttributeNames: attributes,
			VisibilityTimeout:           seconds(cfg.VisibilityTimeout),
			WaitTimeSeconds:             maxWait,
		},
		slots:   slots,
		breaker: breaker,
		deliver: deliver,
		trouble: sqscall.NewOutage(cfg.Logger, "receive"),
		most:    (cfg.Concurrency + sqscall.MaxBatch - 1) / sqscall.MaxBatch,
		grace:   min(pollGrace, cfg.ShutdownTimeout),
	}
}

// run polls until ctx ends and every poll has answered or run out of grace.
func (r *receiver) run(ctx context.Context) {
	polls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(r.grace, cancel) })()

	r.start(ctx, polls)
	r.pollers.Wait()
}

// start adds a poller, unless there are enough.
func (r *receiver) start(ctx, polls context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.polls == r.most {
		return
	}
	r.polls++
	r.pollers.Go(func() { r.poll(ctx, polls) })
}

// poll receives until ctx ends, or until one poller less will do.
func (r *receiver) poll(ctx, polls context.Context) {
	for {
		limit := sqscall.MaxBatch
		if r.breaker.isOpen() {
			if r.retire() {
				return
			}
			r.breaker.await(ctx)
			limit = 1
		}
		n := r.slots.take(ctx, limit)
		if n == 0 {
			return
		}
		received, err := r.receive(polls, n)
		r.slots.putBack(n - len(received))
		if len(received) > 0 {
			r.deliver(ctx, received)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures := r.trouble.Failed(err)
			if r.retire() {
				return
			}
			sleep(ctx, sqscall.Backoff.FullJitter(failures))
		case len(received) == sqscall.MaxBatch:
			r.trouble.Succeeded()
			if r.slots.spare() {
				r.start(ctx, polls)
			}
		default:
			r.trouble.Succeeded()
			if 2*len(received) < n && r.retire() {
				return
			}
		}
	}
}

// receive makes one long poll.
func (r *receiver) receive(ctx context.Context, n int) ([]types.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait*time.Second+pollMargin)
	defer cancel()
	input := r.input
	input.MaxNumberOfMessages = int32(n)
	number := r.polling.begin()
	out, err := r.client.ReceiveMessage(ctx, &input, sqscall.Options)
	if err != nil {
		r.polling.end(number, 0, err)
		return nil, err
	}
	r.polling.end(number, len(out.Messages), nil)
	// More than was asked for would find no worker. What is left out comes
	// back when its lease ends.
	return out.Messages[:min(n, len(out.Messages))], nil
}

// retire reports whether the calling poller is not the last one and may go.
func (r *receiver) retire() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.polls == 1 {
		return false
	}
	r.polls--
	return true
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
