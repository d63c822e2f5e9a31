package soak_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
)

// queue is a queue with its dead-letter queue, what is sent to it, and who
// works on it.
type queue struct {
	name, dead string
	plan       plan
	server     *sqslocal.Server
	url        string
	letters    letters
	ledger     *ledger
	witness    *witness
	crew       *crew

	sent          int           // letters, in their order
	deadLetters   []bool        // by letter
	left          []bool        // by letter: still on the queue
	trouble, calm time.Duration // what the two parts of the soak took
}

func newQueue(t *testing.T, server *sqslocal.Server, name string, p plan, letters letters) *queue {
	t.Helper()
	q := &queue{name: name, dead: "dead-" + name, plan: p, server: server, letters: letters}
	q.url = q.create(t)
	path := filepath.Join(t.TempDir(), "ledger")
	ledger, err := openLedger(path, letters)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ledger.close() })
	q.ledger = ledger
	q.witness = newWitness(server, letters, ledger)
	front := httptest.NewServer(q.witness)
	t.Cleanup(front.Close)
	q.crew = &crew{life: p.life, job: job{Endpoint: front.URL, QueueURL: q.url, Ledger: path, Lease: p.lease, Soon: p.short || q.fifo()}}
	return q
}

// create makes the queue and its dead-letter queue.
func (q *queue) create(t *testing.T) (url string) {
	t.Helper()
	attributes := map[string]string{}
	if q.fifo() {
		attributes["FifoQueue"], attributes["ContentBasedDeduplication"] = "true", "true"
	}
	if _, err := q.server.CreateQueue(q.dead, attributes); err != nil {
		t.Fatal(err)
	}
	attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":%d}`, q.dead, q.plan.receives(q.fifo()))
	url, err := q.server.CreateQueue(q.name, attributes)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func (q *queue) fifo() bool { return strings.HasSuffix(q.name, ".fifo") }

// soak sends all letters while everything goes wrong, and then lets one worker
// finish in peace.
func (q *queue) soak(ctx context.Context) error {
	begun := time.Now()
	if err := q.inTrouble(ctx); err != nil {
		return err
	}
	q.trouble = time.Since(begun)
	begun = time.Now()
	defer func() { q.calm = time.Since(begun) }()
	return q.inPeace(ctx)
}

func (q *queue) inTrouble(ctx context.Context) error {
	defer inject(q.server, q.name)()
	var tending sync.WaitGroup
	defer tending.Wait()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	for range q.plan.workers {
		tending.Go(func() {
			if err := q.crew.tend(ctx); err != nil {
				end(err)
			}
		})
	}
	if err := q.send(ctx); err != nil {
		return err
	}
	return await(ctx, func() bool {
		return held(q.server, q.name) <= len(q.letters)/10 && q.crew.counts().ended >= q.plan.workers
	})
}

func (q *queue) inPeace(ctx context.Context) error {
	job := q.crew.job
	job.Calm, job.Lease = true, calmLease
	return q.crew.calmly(job, func() error {
		return await(ctx, func() bool { return held(q.server, q.name) == 0 })
	})
}

// send sends all letters, never too many ahead of the workers.
func (q *queue) send(ctx context.Context) error {
	client := q.server.Client()
	for chunk := range slices.Chunk(q.letters, maxBatch) {
		if err := await(ctx, func() bool { return q.server.Depth(q.name).Visible <= q.plan.ahead }); err != nil {
			return err
		}
		in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
		for i, l := range chunk {
			body, sig := l.way.write(l.id)
			e := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &body, MessageAttributes: sig}
			if l.group != "" {
				e.MessageGroupId = &l.group
			}
			in.Entries = append(in.Entries, e)
		}
		out, err := client.SendMessageBatch(ctx, in)
		if err != nil {
			return fmt.Errorf("sending: %w", err)
		}
		if len(out.Failed) > 0 {
			return fmt.Errorf("%d messages were not sent", len(out.Failed))
		}
		q.sent += len(chunk)
	}
	return nil
}

const maxBatch = 10 // messages a call

// held is how many messages a queue holds.
func held(server *sqslocal.Server, name string) int {
	d := server.Depth(name)
	return d.Visible + d.InFlight + d.Delayed
}

// await returns when a condition holds, or the error of ctx.
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

// collect finds out which letters are where at the end.
func (q *queue) collect(ctx context.Context) (err error) {
	if q.left, err = q.takeAll(ctx, q.name); err != nil {
		return err
	}
	q.deadLetters, err = q.takeAll(ctx, q.dead)
	return err
}

// takeAll empties a queue, and tells which letters it held.
func (q *queue) takeAll(ctx context.Context, name string) ([]bool, error) {
	client := q.server.Client()
	url := strings.TrimSuffix(q.url, q.name) + name
	found := make([]bool, len(q.letters))
	for held(q.server, name) > 0 {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: maxBatch, WaitTimeSeconds: 1, VisibilityTimeout: 10,
		})
		if err != nil {
			return nil, err
		}
		for _, m := range out.Messages {
			n, _, ok := q.letters.find([]byte(*m.Body))
			if !ok {
				return nil, fmt.Errorf("%s holds a message that was never sent", name)
			}
			found[n] = true
			if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}
