package fleet_test

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// A worker is a consumer that can be killed: then it reaches no server, and what its
// handlers do no longer counts.
type worker struct {
	fleet *fleet
	life  context.Context // ends with the process
	kill  context.CancelFunc
	stop  context.CancelFunc // as SIGTERM does
	err   error              // of Run, once ended is closed
	ended chan struct{}
}

var errKilled = errors.New("the worker is killed")

// startWorker starts a worker.
func (f *fleet) startWorker() *worker {
	w := &worker{fleet: f, ended: make(chan struct{})}
	w.life, w.kill = context.WithCancel(context.Background())
	c, err := consumer.New(w, consumer.Config{
		QueueURL: f.url, Keys: f.keys, Handler: w,
		Concurrency: f.shape.concurrency, HandlerTimeout: max(consumer.DefaultHandlerTimeout, 2*f.shape.handlerTime),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() {
		defer close(w.ended)
		w.err = c.Run(ctx)
	}()
	return w
}

// HandleEvent takes the time of the fleet's handlers.
func (w *worker) HandleEvent(ctx context.Context, e *events.Event) error {
	number, err := strconv.Atoi(e.ID)
	if err != nil {
		return err
	}
	select {
	case <-time.After(w.fleet.handlerTime()):
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.life.Done():
		return errKilled
	}
	w.fleet.ledger.handled(number, e.ReceiveCount)
	return nil
}

// living returns a context that ends with the process.
func (w *worker) living(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if w.life.Err() != nil {
		return nil, nil, errKilled
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(w.life, cancel)
	return ctx, func() { stop(); cancel() }, nil
}

// call makes a call of SQS, unless the worker is killed.
func call[In, Out any](ctx context.Context, w *worker, in In, options []func(*sqs.Options),
	send func(context.Context, In, ...func(*sqs.Options)) (Out, error),
) (out Out, err error) {
	ctx, cancel, err := w.living(ctx)
	if err != nil {
		return out, err
	}
	defer cancel()
	return send(ctx, in, options...)
}

func (w *worker) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	return call(ctx, w, in, options, w.fleet.client.ReceiveMessage)
}

func (w *worker) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, options ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	return call(ctx, w, in, options, w.fleet.client.DeleteMessageBatch)
}

func (w *worker) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, options ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return call(ctx, w, in, options, w.fleet.client.ChangeMessageVisibilityBatch)
}

func (w *worker) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, options ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	return call(ctx, w, in, options, w.fleet.client.SendMessageBatch)
}
