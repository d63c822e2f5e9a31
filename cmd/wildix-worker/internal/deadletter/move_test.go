package deadletter

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer/sqslocal"
)

// newQueues returns a server with a dead-letter queue and two queues that share it, and a
// message of each that is a dead letter.
func newQueues(t *testing.T) (srv *sqslocal.Server, client *sqs.Client, first string) {
	t.Helper()
	srv = sqslocal.New(sqslocal.Options{})
	fatal(t, srv.Start(""))
	t.Cleanup(func() { srv.Close() })
	client = srv.Client()
	_, err := srv.CreateQueue("dead", nil)
	fatal(t, err)
	for i, name := range []string{"first", "second"} {
		url, err := srv.CreateQueue(name, map[string]string{
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"1"}`, "VisibilityTimeout": "0",
		})
		fatal(t, err)
		_, err = client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("of " + name)})
		fatal(t, err)
		for srv.Depth("dead").Visible <= i {
			_, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
			fatal(t, err)
		}
		if i == 0 {
			first = url
		}
	}
	return srv, client, first
}

func find(t *testing.T, client *sqs.Client, url string) (q *Queue, ids map[string]string) {
	t.Helper()
	q, err := Find(t.Context(), client, url, nil, func(text string) { t.Error(text) })
	fatal(t, err)
	sample, err := q.Sample(t.Context(), 10)
	fatal(t, err)
	ids = make(map[string]string)
	for i := range sample {
		ids[*sample[i].Body] = *sample[i].MessageId
	}
	return q, ids
}

// Where queues share a dead-letter queue, a message that came from another must not reach this
// one's worker.
func TestMoveLeavesMessagesOfOtherQueues(t *testing.T) {
	srv, client, first := newQueues(t)
	q, ids := find(t, client, first)
	if moved, err := q.Move(t.Context(), []string{ids["of second"]}); moved != 0 || err == nil || !strings.Contains(err.Error(), "came from another queue, arn:aws:sqs:us-east-1:000000000000:second") {
		t.Errorf("moved %d, %v", moved, err)
	}
	if depth := srv.Depth("dead"); depth.Visible != 2 || srv.Depth("first").Visible != 0 {
		t.Errorf("the dead-letter queue has %+v", depth)
	}
	if moved, err := q.Move(t.Context(), []string{ids["of first"]}); moved != 1 || err != nil {
		t.Errorf("moved %d, %v", moved, err)
	}
	if depth := srv.Depth("dead"); depth.Visible != 1 || srv.Depth("first").Visible != 1 {
		t.Errorf("the dead-letter queue has %+v", depth)
	}
}

func TestMoveThatIsStoppedReturnsMessages(t *testing.T) {
	srv, client, first := newQueues(t)
	q, ids := find(t, client, first)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if moved, err := q.Move(ctx, []string{ids["of first"]}); moved != 0 || !errors.Is(err, ErrStopped) {
		t.Errorf("moved %d, %v", moved, err)
	}
	if depth := srv.Depth("dead"); depth.Visible != 2 {
		t.Errorf("the dead-letter queue has %+v", depth)
	}
}

// A message of a FIFO queue that is moved alone would come after those that followed it.
func TestMoveRefusesFIFO(t *testing.T) {
	srv := sqslocal.New(sqslocal.Options{})
	fatal(t, srv.Start(""))
	t.Cleanup(func() { srv.Close() })
	_, err := srv.CreateQueue("dead.fifo", map[string]string{"FifoQueue": "true"})
	fatal(t, err)
	url, err := srv.CreateQueue("first.fifo", map[string]string{
		"FifoQueue": "true", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":"1"}`,
	})
	fatal(t, err)
	q, _ := find(t, srv.Client(), url)
	before := srv.Calls("ReceiveMessage")
	if moved, err := q.Move(t.Context(), []string{"any"}); moved != 0 || !errors.Is(err, errMoveFIFO) || srv.Calls("ReceiveMessage") != before {
		t.Errorf("moved %d, %v", moved, err)
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
