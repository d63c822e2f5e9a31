package webhook

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/zap"

	"wildix-worker/internal/outage"
	"wildix-worker/internal/sqscall"
)

const (
	// maxLinger is how long an event may wait for others while calls are running. If
	// none is running, it does not wait.
	maxLinger = 20 * time.Millisecond
	// maxCalls is how many calls run at once. At the usual 20 ms per call, it is far
	// more than the largest PBX needs.
	maxCalls = 32
	// callTimeout limits one call, so that an event has time for a second try.
	callTimeout = 2 * time.Second
	// maxPause limits the pause between tries, because the PBX is waiting.
	maxPause = 500 * time.Millisecond
)

// SQS is the part of *sqs.Client that a Relay needs.
type SQS interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// A batcher collects events into batches and sends them to a queue.
type batcher struct {
	client   SQS
	queueURL string
	maxCalls int
	outage   *outage.Log
	sending  sync.WaitGroup // calls

	mu    sync.Mutex
	open  *batch   // takes further events; nil if there is none
	ready []*batch // waiting for a call to end
	calls int      // running
}

func newBatcher(client SQS, queueURL string, log *zap.Logger) *batcher {
	b := &batcher{client: client, queueURL: queueURL, maxCalls: maxCalls, outage: sqscall.NewOutage(log, "send")}
	if sqscall.IsFIFO(queueURL) {
		b.maxCalls = 1 // concurrent calls would not keep the order
	}
	return b
}

// add puts an event into the open batch. The batch is sent when it is full, when it
// has waited for maxLinger, or when no call is running. So batches fill up under
// load, and an event is sent at once when there is none. While maxCalls are running,
// which is one on a FIFO queue, the open batch keeps taking events.
func (b *batcher) add(e *pendingEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open != nil && !b.open.fits(e) {
		b.flush()
	}
	if b.open == nil {
		b.open = b.newBatch()
	}
	b.open.add(e)
	if b.calls == 0 || len(b.open.events) == sqscall.MaxBatch {
		b.flush()
	}
}

// newBatch returns an empty batch, which is flushed after maxLinger.
func (b *batcher) newBatch() *batch {
	batch := &batch{}
	batch.timer = time.AfterFunc(maxLinger, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		batch.overdue = true
		if b.open == batch && b.calls < b.maxCalls {
			b.flush()
		}
	})
	return batch
}

// flush closes the open batch, which is sent as soon as a call may be made. b.mu is
// held.
func (b *batcher) flush() {
	b.open.timer.Stop()
	b.ready = append(b.ready, b.open)
	b.open = nil
	b.startCalls()
}

// startCalls sends the batches that are ready, up to maxCalls at once. b.mu is held.
func (b *batcher) startCalls() {
	for len(b.ready) > 0 && b.calls < b.maxCalls {
		next := b.ready[0]
		b.ready = b.ready[1:]
		b.calls++
		b.sending.Go(func() {
			b.send(next)
			b.callEnded()
		})
	}
}

// callEnded starts the next call. It first closes the open batch, if that need not wait for
// more events.
func (b *batcher) callEnded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls--
	b.startCalls()
	if b.open != nil && (b.calls == 0 || b.open.overdue && b.calls < b.maxCalls) {
		b.flush()
	}
}

// send tries to send a batch until each event has a result, or its caller no longer
// waits for it.
func (b *batcher) send(batch *batch) {
	for tries := 1; batch.dropExpired(); tries++ {
		b.trySend(batch)
		if len(batch.events) > 0 {
			batch.pause(min(sqscall.Backoff.FullJitter(tries), maxPause))
		}
	}
}

func (b *batcher) trySend(batch *batch) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	out, err := b.client.SendMessageBatch(ctx, batch.input(b.queueURL), sqscall.Options, verifyChecksums)
	if err == nil {
		err = batch.resolve(out)
	}
	if err != nil {
		b.outage.Failed(err)
		return
	}
	b.outage.Succeeded()
}

// wait returns when no call is running.
func (b *batcher) wait() { b.sending.Wait() }

// verifyChecksums makes the SDK compare the digest of each body that SQS has
// accepted. Package consumer turns that off, because the signature proves more.
func verifyChecksums(o *sqs.Options) { o.DisableMessageChecksumValidation = false }
