package conformance_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/signature"
)

const (
	secret = "a secret"
	// patience is how long a test waits for what must happen. A server may
	// have lost the answer to a receive meanwhile: a lease ends well within it.
	patience = 40 * time.Second
	lease    = 15 * time.Second
	// longLease shows that what comes back does not do so by itself.
	longLease = time.Minute
)

// kind is the end of a queue's name.
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

// site is a queue on a server, with workers on it.
type site struct {
	t      *testing.T
	client *sqs.Client
	url    string

	shortPolls bool // workers wait a second, not twenty

	mu      sync.Mutex
	begun   []string // event ids, in the order their handlers began
	results []consumer.Result
}

func newSite(t *testing.T, srv server, kind kind) *site {
	s := &site{t: t, client: sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: &srv.url,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   &http.Client{Transport: connections},
	})}
	s.url = s.create(kind, queueAttributes[kind])
	return s
}

// create makes a queue that lives as long as the test, and returns its URL.
func (s *site) create(kind kind, with attributes) string {
	s.t.Helper()
	out, err := s.client.CreateQueue(s.t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("conformance-" + rand.Text() + string(kind)), Attributes: with,
	})
	s.check(err)
	s.t.Cleanup(func() {
		_, err := s.client.DeleteQueue(context.WithoutCancel(s.t.Context()), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
		s.check(err)
	})
	return *out.QueueUrl
}

// attributes returns those of a queue.
func (s *site) attributes(url string) attributes {
	s.t.Helper()
	out, err := s.client.GetQueueAttributes(s.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	s.check(err)
	return out.Attributes
}

// send puts signed events with these ids on the queue, in this order. The
// first letter of an id is its group.
func (s *site) send(ids ...string) {
	s.t.Helper()
	for chunk := range slices.Chunk(ids, 10) {
		in := &sqs.SendMessageBatchInput{QueueUrl: &s.url}
		for i, id := range chunk {
			body := event(id, events.CallEnd)
			entry := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &body, MessageAttributes: signed(body)}
			if strings.HasSuffix(s.url, string(fifo)) {
				entry.MessageGroupId = aws.String(id[:1])
			}
			in.Entries = append(in.Entries, entry)
		}
		out, err := s.client.SendMessageBatch(s.t.Context(), in)
		s.check(err)
		if len(out.Failed) > 0 {
			s.t.Fatalf("%d messages were not sent", len(out.Failed))
		}
	}
}

// sendRaw puts a message as it is on the queue, and returns its message id.
func (s *site) sendRaw(body string, with map[string]types.MessageAttributeValue) string {
	s.t.Helper()
	out, err := s.client.SendMessage(s.t.Context(), &sqs.SendMessageInput{QueueUrl: &s.url, MessageBody: &body, MessageAttributes: with})
	s.check(err)
	return *out.MessageId
}

// receive waits for messages of a queue for a second, and keeps them to itself
// for a minute.
func (s *site) receive(url string) []types.Message {
	s.t.Helper()
	out, err := s.client.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 60, MessageAttributeNames: []string{"All"},
	})
	s.check(err)
	return out.Messages
}

// held returns how many messages the queue holds, visible or not.
func (s *site) held() int {
	s.t.Helper()
	sum := 0
	for name, value := range s.attributes(s.url) {
		switch types.QueueAttributeName(name) {
		case types.QueueAttributeNameApproximateNumberOfMessages,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed:
			n, err := strconv.Atoi(value)
			s.check(err)
			sum += n
		}
	}
	return sum
}

func (s *site) wantHeld(n int) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("the queue holds %d", n), func() bool { return s.held() == n })
}

// eventually waits until a condition holds.
func (s *site) eventually(what string, condition func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within %s: %s; begun %q, handled %q", patience, what, s.handlers(), s.ids(events.Handled))
		}
	}
}

// eventuallyIDs waits for exactly these events to end so.
func (s *site) eventuallyIDs(outcome events.Outcome, want ...string) {
	s.t.Helper()
	want = slices.Sorted(slices.Values(want))
	s.eventually(fmt.Sprintf("%s are %s", want, outcome), func() bool { return len(s.ids(outcome)) >= len(want) })
	if got := s.ids(outcome); !slices.Equal(got, want) {
		s.t.Errorf("%s are %q, want %q", outcome, got, want)
	}
}

// wantHandlers checks for which events handlers have begun, in this order.
func (s *site) wantHandlers(want ...string) {
	s.t.Helper()
	if got := s.handlers(); !slices.Equal(got, want) {
		s.t.Errorf("handlers began for %q, want %q", got, want)
	}
}

// handlers returns the event ids for which handlers have begun so far.
func (s *site) handlers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.begun)
}

// ids returns, sorted, the event ids that ended so, once for each time.
func (s *site) ids(outcome events.Outcome) []string {
	var ids []string
	for _, r := range s.all() {
		if r.Outcome == outcome && r.Event != nil {
			ids = append(ids, r.Event.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// all returns the results so far.
func (s *site) all() []consumer.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.results)
}

func (s *site) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
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
	return map[string]types.MessageAttributeValue{"X-SIGNATURE": v}
}

// succeed is a handler of which nothing more is wanted.
func succeed(context.Context, *events.Event) error { return nil }

var errDown = errors.New("CRM is down")

// working takes so long, unless it is told to stop.
func working(d time.Duration) handler {
	return func(ctx context.Context, _ *events.Event) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
