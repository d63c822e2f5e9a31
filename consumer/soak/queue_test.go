package soak_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/internal/sqscall"
)

// A queue is one of the soaked queues: with its dead-letter queue, messages and workers.
type queue struct {
	name, deadLetterName string
	plan                 plan
	server               *sqslocal.Server
	url                  string
	messages             messages
	ledger               *ledger
	proxy                *proxy
	workers              *workerPool

	sent                 int    // messages sent, in their order
	dead                 []bool // by message: on the dead-letter queue at the end
	left                 []bool // by message: on the queue at the end
	faultyTime, calmTime time.Duration
}

func newQueue(t *testing.T, server *sqslocal.Server, name string, p plan, messages messages) *queue {
	t.Helper()
	q := &queue{name: name, deadLetterName: "dead-" + name, plan: p, server: server, messages: messages}
	q.url = q.create(t)
	path := filepath.Join(t.TempDir(), "ledger")
	ledger, err := openLedger(path, messages)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ledger.close() })
	q.ledger = ledger
	q.proxy = newProxy(server, messages, ledger)
	q.proxy.release = func(handle string) {
		// It fails for messages that were settled, or received again.
		server.Client().ChangeMessageVisibility(context.Background(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &q.url, ReceiptHandle: &handle})
	}
	proxyServer := httptest.NewServer(q.proxy)
	t.Cleanup(proxyServer.Close)
	q.workers = &workerPool{exited: q.proxy.releaseHeld, lifetime: p.lifetime, config: workerConfig{
		Endpoint: proxyServer.URL, QueueURL: q.url, Ledger: path, Lease: p.lease, RetrySoon: p.short || q.fifo(),
	}}
	return q
}

// create creates the queue and its dead-letter queue.
func (q *queue) create(t *testing.T) (url string) {
	t.Helper()
	attributes := map[string]string{}
	if q.fifo() {
		attributes["FifoQueue"], attributes["ContentBasedDeduplication"] = "true", "true"
	}
	if _, err := q.server.CreateQueue(q.deadLetterName, attributes); err != nil {
		t.Fatal(err)
	}
	attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":%d}`, q.deadLetterName, q.plan.receives(q.fifo()))
	url, err := q.server.CreateQueue(q.name, attributes)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func (q *queue) fifo() bool { return sqscall.IsFIFO(q.name) }

// soak sends all messages under faults, and then lets one worker finish without faults.
func (q *queue) soak(ctx context.Context) error {
	start := time.Now()
	if err := q.soakWithFaults(ctx); err != nil {
		return err
	}
	q.faultyTime = time.Since(start)
	start = time.Now()
	defer func() { q.calmTime = time.Since(start) }()
	return q.finishCalm(ctx)
}

func (q *queue) soakWithFaults(ctx context.Context) error {
	defer injectFaults(q.server, q.name)()
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for range q.plan.workers {
		running.Go(func() {
			if err := q.workers.keepRunning(ctx); err != nil {
				cancel(err)
			}
		})
	}
	if err := q.send(ctx); err != nil {
		return err
	}
	return await(ctx, func() bool {
		return depth(q.server, q.name) <= len(q.messages)/10 && q.workers.counts().total >= q.plan.workers
	})
}

func (q *queue) finishCalm(ctx context.Context) error {
	config := q.workers.config
	config.Calm, config.Lease = true, calmLease
	return q.workers.runCalm(config, func() error {
		return await(ctx, func() bool {
			if depth(q.server, q.name) == 0 {
				return true
			}
			// On a FIFO queue, hopeless messages that nothing follows take minutes to become
			// dead letters.
			all, err := q.ledger.hasAll()
			return q.fifo() && (all || err != nil)
		})
	})
}

// send sends all messages, at the pace of the workers.
func (q *queue) send(ctx context.Context) error {
	client := q.server.Client()
	for chunk := range slices.Chunk(q.messages, sqscall.MaxBatch) {
		if err := await(ctx, func() bool { return q.server.Depth(q.name).Visible <= q.plan.maxVisible }); err != nil {
			return err
		}
		in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
		for i, m := range chunk {
			body, sig := m.variant.content(m.id)
			e := types.SendMessageBatchRequestEntry{Id: sqscall.EntryID(i), MessageBody: &body, MessageAttributes: sig}
			if m.group != "" {
				e.MessageGroupId = &m.group
			}
			in.Entries = append(in.Entries, e)
		}
		out, err := client.SendMessageBatch(ctx, in)
		if err != nil {
			return fmt.Errorf("send messages: %w", err)
		}
		if len(out.Failed) > 0 {
			return fmt.Errorf("%d messages were not sent", len(out.Failed))
		}
		q.sent += len(chunk)
	}
	return nil
}

// depth returns how many messages a queue has, visible or not.
func depth(server *sqslocal.Server, name string) int {
	d := server.Depth(name)
	return d.Visible + d.InFlight + d.Delayed
}

// await returns nil when the condition holds, and an error when ctx ends.
func await(ctx context.Context, condition func() bool) error {
	for !condition() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// collect empties the queue and its dead-letter queue, and records their messages.
func (q *queue) collect(ctx context.Context) (err error) {
	if q.left, err = q.receiveAll(ctx, q.name); err != nil {
		return err
	}
	q.dead, err = q.receiveAll(ctx, q.deadLetterName)
	return err
}

// receiveAll empties a queue, and returns by message whether it was on it.
func (q *queue) receiveAll(ctx context.Context, name string) ([]bool, error) {
	client := q.server.Client()
	url := strings.TrimSuffix(q.url, q.name) + name
	found := make([]bool, len(q.messages))
	for depth(q.server, name) > 0 {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: sqscall.MaxBatch, WaitTimeSeconds: 1, VisibilityTimeout: 10,
		})
		if err != nil {
			return nil, err
		}
		for _, m := range out.Messages {
			n, _, ok := q.messages.find([]byte(*m.Body))
			if !ok {
				return nil, fmt.Errorf("%s has a message that was never sent", name)
			}
			found[n] = true
			if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}
