package awsbatchtest

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/events"
)

// Region is the region of the services.
const Region = "us-east-1"

// Credentials are some that moto accepts.
var Credentials = credentials.NewStaticCredentialsProvider("test", "test", "")

// A Queue is a queue of a moto server to which another of its services delivers.
type Queue struct {
	ARN    string
	url    string
	client *sqs.Client
}

// NewQueue makes a queue, which is deleted at the end of the test.
func NewQueue(t *testing.T, endpoint string) Queue {
	t.Helper()
	q := Queue{client: sqs.New(sqs.Options{Region: Region, BaseEndpoint: &endpoint, Credentials: Credentials})}
	name := "sink-" + rand.Text()
	created, err := q.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	q.url = *created.QueueUrl
	t.Cleanup(func() {
		q.client.DeleteQueue(context.WithoutCancel(t.Context()), &sqs.DeleteQueueInput{QueueUrl: &q.url})
	})
	out, err := q.client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	q.ARN = out.Attributes["QueueArn"]
	return q
}

// Receive returns n messages. It waits at most ten seconds for them.
func (q Queue) Receive(t *testing.T, n int) (messages []types.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for len(messages) < n {
		out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &q.url, MaxNumberOfMessages: 10, VisibilityTimeout: 600, WaitTimeSeconds: 1, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatalf("%d of %d messages: %v", len(messages), n, err)
		}
		messages = append(messages, out.Messages...)
	}
	return messages
}

// HandleConcurrently has the events handled at the same time, and fails the test unless all
// succeed.
func HandleConcurrently(t *testing.T, h events.Handler, list []*events.Event) {
	t.Helper()
	var all sync.WaitGroup
	for _, e := range list {
		all.Go(func() {
			if err := h.HandleEvent(t.Context(), e); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
