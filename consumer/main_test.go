package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/signature"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret     = "a secret"
	queueName  = "calls"
	fifoName   = "calls.fifo"
	deadLetter = "dead"
)

var key = signature.Key{Secret: secret}

// site is a queue with a consumer, in a synctest bubble: the SDK client sends HTTP to
// sqslocal over memory.
type site struct {
	t      *testing.T
	srv    *sqslocal.Server
	client *sqs.Client
	url    string
	name   string
	logs   *observer.ObservedLogs

	mu      sync.Mutex
	results []consumer.Result
	handled []string // event ids, in the order their handlers began
	running map[string]int

	consumer *consumer.Consumer
	cancel   context.CancelFunc
	done     chan error
}

// within runs a test in a bubble with a queue of the given name.
func within(t *testing.T, name string, test func(s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := sqslocal.New(sqslocal.Options{})
		srv.StartPipe()
		defer srv.Close()
		site := &site{t: t, srv: srv, client: srv.Client(), name: name, running: map[string]int{}}
		site.createQueues(5)
		test(site)
	})
}

// createQueues creates the queue and its dead-letter queue.
func (s *site) createQueues(maxReceiveCount int) {
	s.t.Helper()
	if _, err := s.srv.CreateQueue(deadLetter, nil); err != nil {
		s.t.Fatal(err)
	}
	attributes := map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"%d"}`, maxReceiveCount)}
	if s.name == fifoName {
		attributes = map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"}
	}
	url, err := s.srv.CreateQueue(s.name, attributes)
	if err != nil {
		s.t.Fatal(err)
	}
	s.url = url
}

// start runs a consumer with the handler, until the test calls stop or ends.
func (s *site) start(handle func(ctx context.Context, e *events.Event) error, options ...func(*consumer.Config)) {
	s.t.Helper()
	s.startWith(s.client, handle, options...)
}

// startWith is start with another client.
func (s *site) startWith(client consumer.SQS, handle func(ctx context.Context, e *events.Event) error, options ...func(*consumer.Config)) {
	s.t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	s.logs = logs
	cfg := consumer.Config{
		QueueURL: s.url,
		Keys:     keyring(s.t, key),
		Handler:  s.recording(handle),
		Logger:   zap.New(core),
		Observe: func(r consumer.Result) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.results = append(s.results, r)
		},
	}
	for _, option := range options {
		option(&cfg)
	}
	s.run(client, cfg)
}

func (s *site) run(client consumer.SQS, cfg consumer.Config) {
	s.t.Helper()
	c, err := consumer.New(client, cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	s.consumer = c
	s.cancel, s.done = cancel, make(chan error, 1)
	go func() { s.done <- c.Run(ctx) }()
	s.t.Cleanup(func() {
		if s.done != nil {
			s.stop()
		}
	})
}

// recording records the events that the handler is called for, and checks that none has
// two handlers at once.
func (s *site) recording(handle func(context.Context, *events.Event) error) events.Handler {
	return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		s.mu.Lock()
		s.handled = append(s.handled, e.ID)
		s.running[e.ID]++
		if s.running[e.ID] > 1 {
			s.t.Errorf("%s has two handlers", e.ID)
		}
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			s.running[e.ID]--
			s.mu.Unlock()
		}()
		return handle(ctx, e)
	})
}

// stop ends the consumer as SIGTERM does, and returns what Run returned.
func (s *site) stop() error {
	s.t.Helper()
	s.cancel()
	select {
	case err := <-s.done:
		s.done = nil
		return err
	case <-time.After(time.Minute):
		s.t.Fatal("Run did not return")
		return nil
	}
}

// send puts signed events with these ids on the queue.
func (s *site) send(ids ...string) {
	s.t.Helper()
	for chunk := range slices.Chunk(ids, 10) {
		in := &sqs.SendMessageBatchInput{QueueUrl: &s.url}
		for i, id := range chunk {
			entry := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(body(id)), MessageAttributes: signed(body(id))}
			if s.name == fifoName {
				entry.MessageGroupId = aws.String(id[:1])
			}
			in.Entries = append(in.Entries, entry)
		}
		if _, err := s.client.SendMessageBatch(s.t.Context(), in); err != nil {
			s.t.Fatal(err)
		}
	}
}

// sendRaw puts a message on the queue unchanged.
func (s *site) sendRaw(body string, attributes map[string]types.MessageAttributeValue) {
	s.t.Helper()
	_, err := s.client.SendMessage(s.t.Context(), &sqs.SendMessageInput{QueueUrl: &s.url, MessageBody: &body, MessageAttributes: attributes})
	if err != nil {
		s.t.Fatal(err)
	}
}

// ids returns n event ids.
func ids(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("call-%d", i)
	}
	return list
}

func body(id string) string {
	return fmt.Sprintf(`{"id":%q,"type":"call:end","time":1693389853611,"integrationId":"8qkmnq"}`, id)
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

func keyring(t testing.TB, keys ...signature.Key) *signature.Keyring {
	t.Helper()
	ring, err := signature.NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// begun returns the event ids whose handlers have begun so far.
func (s *site) begun() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.handled)
}

// outcomes counts the results so far by their outcomes.
func (s *site) outcomes() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[string]int{}
	for _, r := range s.results {
		counts[r.Outcome.String()]++
	}
	text := ""
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		text += fmt.Sprintf("%s %d ", word, counts[word])
	}
	return text
}

func (s *site) wantBegun(n int) {
	s.t.Helper()
	synctest.Wait()
	if got := len(s.begun()); got != n {
		s.t.Fatalf("%d handlers have begun, want %d", got, n)
	}
}

func (s *site) wantOutcomes(want string) {
	s.t.Helper()
	synctest.Wait()
	if got := s.outcomes(); got != want+" " {
		s.t.Fatalf("outcomes %q, want %q", got, want)
	}
}

func (s *site) wantDepth(want sqslocal.Depth) {
	s.t.Helper()
	synctest.Wait()
	if got := s.srv.Depth(s.name); got != want {
		s.t.Fatalf("queue holds %+v, want %+v", got, want)
	}
}

// wantDrained checks a number that was logged at the end.
func (s *site) wantDrained(field string, want int) {
	s.t.Helper()
	logged := s.logs.FilterMessage("drained").All()
	if len(logged) != 1 || fmt.Sprint(logged[0].ContextMap()[field]) != strconv.Itoa(want) {
		s.t.Errorf("logged %v, want %s %d", logged, field, want)
	}
}

func (s *site) wantCalls(action string, atMost int) {
	s.t.Helper()
	if got := s.srv.Calls(action); got > atMost {
		s.t.Errorf("%d calls of %s, want at most %d", got, action, atMost)
	}
}

// succeed is a handler that does nothing.
func succeed(context.Context, *events.Event) error { return nil }

var errDown = errors.New("CRM is down")

func fail(context.Context, *events.Event) error { return errDown }

// working returns a handler that succeeds after d, unless it is cancelled.
func working(d time.Duration) func(context.Context, *events.Event) error {
	return func(ctx context.Context, _ *events.Event) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
