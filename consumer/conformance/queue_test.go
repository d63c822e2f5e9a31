package conformance_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

const (
	secret = "a secret"
	// waitTimeout is how long a test waits for a condition. It is much longer than
	// lease, because the answer to a receive may have been lost.
	waitTimeout = 40 * time.Second
	lease       = 15 * time.Second
	// longLease is longer than waitTimeout. A message that is received again within
	// it was returned by the consumer.
	longLease = time.Minute
)

// A kind of queue is the suffix of its name.
type kind string

const (
	standard kind = ""
	fifo     kind = ".fifo"
)

var queueAttributes = map[kind]attributes{fifo: {"FifoQueue": "true", "ContentBasedDeduplication": "true"}}

type (
	attributes = map[string]string
	handler    = func(context.Context, *events.Event) error
)

// A testQueue is a queue on a server, and its workers.
type testQueue struct {
	t      *testing.T
	client *sqs.Client
	url    string

	shortPolls bool // workers poll for 1 s instead of 20 s

	mu      sync.Mutex
	started []string // event ids, in the order in which their handlers were called
	results []consumer.Result
}

func newTestQueue(t *testing.T, srv server, kind kind) *testQueue {
	q := &testQueue{t: t, client: sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: &srv.url,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   &http.Client{Transport: transport},
	})}
	q.url = q.create(kind, queueAttributes[kind])
	return q
}

// create creates a queue for the duration of the test, and returns its URL.
func (q *testQueue) create(kind kind, with attributes) string {
	q.t.Helper()
	out, err := q.client.CreateQueue(q.t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("conformance-" + rand.Text() + string(kind)), Attributes: with,
	})
	q.check(err)
	q.t.Cleanup(func() {
		_, err := q.client.DeleteQueue(context.WithoutCancel(q.t.Context()), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
		q.check(err)
	})
	return *out.QueueUrl
}

// attributes returns the attributes of a queue.
func (q *testQueue) attributes(url string) attributes {
	q.t.Helper()
	out, err := q.client.GetQueueAttributes(q.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	q.check(err)
	return out.Attributes
}

// send sends signed events with these ids, in order. On a FIFO queue, the first letter of
// an id is its message group.
func (q *testQueue) send(ids ...string) {
	q.t.Helper()
	for chunk := range slices.Chunk(ids, sqscall.MaxBatch) {
		in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
		for i, id := range chunk {
			body := event(id, events.CallEnd)
			entry := types.SendMessageBatchRequestEntry{Id: sqscall.EntryID(i), MessageBody: &body, MessageAttributes: signed(body)}
			if sqscall.IsFIFO(q.url) {
				entry.MessageGroupId = aws.String(id[:1])
			}
			in.Entries = append(in.Entries, entry)
		}
		out, err := q.client.SendMessageBatch(q.t.Context(), in)
		q.check(err)
		if len(out.Failed) > 0 {
			q.t.Fatalf("%d messages were not sent", len(out.Failed))
		}
	}
}

// sendRaw sends a message with any body and attributes, and returns its message id.
func (q *testQueue) sendRaw(body string, with map[string]types.MessageAttributeValue) string {
	q.t.Helper()
	out, err := q.client.SendMessage(q.t.Context(), &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body, MessageAttributes: with})
	q.check(err)
	return *out.MessageId
}

// receive receives messages from a queue, waiting up to a second. They stay in flight for
// a minute.
func (q *testQueue) receive(url string) []types.Message {
	q.t.Helper()
	out, err := q.client.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: sqscall.MaxBatch, WaitTimeSeconds: 1, VisibilityTimeout: 60, MessageAttributeNames: []string{"All"},
	})
	q.check(err)
	return out.Messages
}

// depth returns how many messages the queue has, visible or not.
func (q *testQueue) depth() int {
	q.t.Helper()
	sum := 0
	for name, value := range q.attributes(q.url) {
		switch types.QueueAttributeName(name) {
		case types.QueueAttributeNameApproximateNumberOfMessages,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed:
			n, err := strconv.Atoi(value)
			q.check(err)
			sum += n
		}
	}
	return sum
}

func (q *testQueue) wantDepth(n int) {
	q.t.Helper()
	q.eventually(fmt.Sprintf("the queue has %d messages", n), func() bool { return q.depth() == n })
}

// eventually waits until the condition holds.
func (q *testQueue) eventually(description string, condition func() bool) {
	q.t.Helper()
	for deadline := time.Now().Add(waitTimeout); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			q.t.Fatalf("timed out after %s: %s; handlers called for %q, handled %q", waitTimeout, description, q.startedIDs(), q.idsOf(events.Handled))
		}
	}
}

// wantEventually waits until exactly these events have the outcome.
func (q *testQueue) wantEventually(outcome events.Outcome, want ...string) {
	q.t.Helper()
	want = slices.Sorted(slices.Values(want))
	q.eventually(fmt.Sprintf("%s are %s", want, outcome), func() bool { return len(q.idsOf(outcome)) >= len(want) })
	if got := q.idsOf(outcome); !slices.Equal(got, want) {
		q.t.Errorf("%s are %q, want %q", outcome, got, want)
	}
}

// wantStarted checks for which events handlers have been called, in order.
func (q *testQueue) wantStarted(want ...string) {
	q.t.Helper()
	if got := q.startedIDs(); !slices.Equal(got, want) {
		q.t.Errorf("handlers called for %q, want %q", got, want)
	}
}

// startedIDs returns the ids of the events for which handlers have been called.
func (q *testQueue) startedIDs() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.started)
}

// idsOf returns the sorted ids of the events with an outcome, once per result.
func (q *testQueue) idsOf(outcome events.Outcome) []string {
	var ids []string
	for _, r := range q.observed() {
		if r.Outcome == outcome && r.Event != nil {
			ids = append(ids, r.Event.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// observed returns the results so far.
func (q *testQueue) observed() []consumer.Result {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.results)
}

func (q *testQueue) check(err error) {
	q.t.Helper()
	if err != nil {
		q.t.Fatal(err)
	}
}

func event(id, eventType string) string {
	return fmt.Sprintf(`{"id":%q,"type":%q,"time":1693389853611,"integrationId":"8qkmnq"}`, id, eventType)
}

func signed(body string) map[string]types.MessageAttributeValue {
	return attribute("String", signature.Sign(secret, []byte(body)))
}

func attribute(dataType, value string) map[string]types.MessageAttributeValue {
	v := types.MessageAttributeValue{DataType: &dataType, StringValue: &value}
	if dataType == "Binary" {
		v = types.MessageAttributeValue{DataType: &dataType, BinaryValue: []byte(value)}
	}
	return map[string]types.MessageAttributeValue{sqscall.SignatureAttribute: v}
}

func succeed(context.Context, *events.Event) error { return nil }

var errDown = errors.New("CRM is down")

// sleepFor returns a handler that succeeds after d, unless its context ends first.
func sleepFor(d time.Duration) handler {
	return func(ctx context.Context, _ *events.Event) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
