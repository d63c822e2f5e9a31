package sqslocal_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"wildix-worker/consumer/sqslocal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a server in a synctest bubble, with one queue and the SDK's client, which does not retry.
type fixture struct {
	*testing.T
	srv    *sqslocal.Server
	client *sqs.Client
	url    string
}

type attrs = map[string]string

// bubble runs test on a queue called "calls" ("calls.fifo" if its attributes say so), under virtual time.
func bubble(t *testing.T, attributes attrs, test func(t *testing.T, f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := sqslocal.New(sqslocal.Options{Seed: 1})
		srv.StartPipe()
		defer srv.Close()
		f := &fixture{T: t, srv: srv, client: srv.Client(noRetries)}
		name := "calls"
		if attributes["FifoQueue"] == "true" {
			name = "calls.fifo"
		}
		f.url = f.create(name, attributes)
		test(t, f)
	})
}

func noRetries(o *sqs.Options) { o.Retryer = aws.NopRetryer{} }

func (f *fixture) create(name string, attributes attrs) string {
	f.Helper()
	url, err := f.srv.CreateQueue(name, attributes)
	if err != nil {
		f.Fatal(err)
	}
	return url
}

func (f *fixture) send(bodies ...string) {
	f.Helper()
	for _, body := range bodies {
		if _, err := f.client.SendMessage(f.Context(), &sqs.SendMessageInput{QueueUrl: &f.url, MessageBody: aws.String(body)}); err != nil {
			f.Fatal(err)
		}
	}
}

func (f *fixture) sendGroup(group string, bodies ...string) {
	f.Helper()
	for _, body := range bodies {
		in := &sqs.SendMessageInput{QueueUrl: &f.url, MessageBody: aws.String(body), MessageGroupId: aws.String(group)}
		if _, err := f.client.SendMessage(f.Context(), in); err != nil {
			f.Fatal(err)
		}
	}
}

// receive receives up to ten messages with all their attributes, waiting the given number of seconds.
func (f *fixture) receive(wait int32) []types.Message {
	f.Helper()
	return f.receiveFrom(f.url, wait)
}

func (f *fixture) receiveFrom(url string, wait int32) []types.Message {
	f.Helper()
	out, err := f.client.ReceiveMessage(f.Context(), &sqs.ReceiveMessageInput{
		QueueUrl:                    &url,
		MaxNumberOfMessages:         10,
		WaitTimeSeconds:             wait,
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	if err != nil {
		f.Fatal(err)
	}
	return out.Messages
}

// receiveOne receives at once and expects one message.
func (f *fixture) receiveOne() types.Message {
	f.Helper()
	got := f.receive(0)
	if len(got) != 1 {
		f.Fatalf("received %d messages, want 1", len(got))
	}
	return got[0]
}

func (f *fixture) delete(m types.Message) error {
	_, err := f.client.DeleteMessage(f.Context(), &sqs.DeleteMessageInput{QueueUrl: &f.url, ReceiptHandle: m.ReceiptHandle})
	return err
}

func (f *fixture) hide(m types.Message, seconds int32) error {
	_, err := f.client.ChangeMessageVisibility(f.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &f.url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds,
	})
	return err
}

func (f *fixture) wantDepth(want sqslocal.Depth) {
	f.Helper()
	if got := f.srv.Depth("calls"); got != want {
		f.Errorf("depth is %+v, want %+v", got, want)
	}
}

func (f *fixture) wantBodies(got []types.Message, want ...string) {
	f.Helper()
	same := len(got) == len(want)
	for i := 0; same && i < len(want); i++ {
		same = *got[i].Body == want[i]
	}
	if !same {
		f.Errorf("received %q, want %q", bodies(got), want)
	}
}

func bodies(messages []types.Message) []string {
	list := make([]string, len(messages))
	for i, m := range messages {
		list[i] = *m.Body
	}
	return list
}

// wantError expects an error of type E from the SDK.
func wantError[E error](t testing.TB, err error) {
	t.Helper()
	if _, ok := errors.AsType[E](err); !ok {
		t.Errorf("error is %v, want a %T", err, *new(E))
	}
}

// wantCode expects an API error with the code.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != code {
		t.Errorf("error is %v, want code %s", err, code)
	}
}

func wantNil(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// took checks how much virtual time has passed since start, within the milliseconds that requests take.
func took(t testing.TB, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got < want || got > want+100*time.Millisecond {
		t.Errorf("took %v, want %v", got, want)
	}
}

// later runs do after d, and returns a function that waits for it.
func later(d time.Duration, do func()) (wait func()) {
	ctx, done := context.WithCancel(context.Background())
	go func() {
		defer done()
		time.Sleep(d)
		do()
	}()
	return func() { <-ctx.Done() }
}
