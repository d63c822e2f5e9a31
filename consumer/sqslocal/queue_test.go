package sqslocal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
)

func TestCreateQueueIsIdempotent(t *testing.T) {
	bubble(t, attrs{"VisibilityTimeout": "60"}, func(t *testing.T, f *fixture) {
		create := func(attributes attrs) (string, error) {
			out, err := f.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("calls"), Attributes: attributes})
			if err != nil {
				return "", err
			}
			return *out.QueueUrl, nil
		}
		if url, err := create(attrs{"VisibilityTimeout": "60"}); url != f.url || err != nil {
			t.Errorf("URL is %s (%v), want %s", url, err, f.url)
		}
		_, err := create(attrs{"VisibilityTimeout": "61"})
		wantError[*types.QueueNameExists](t, err)
		wantCode(t, err, "QueueAlreadyExists")
	})
}

func TestQueueURLComesFromTheHost(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		elsewhere := f.srv.Client(func(o *sqs.Options) { o.BaseEndpoint = aws.String("http://queue.test:9324") })
		out, err := elsewhere.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("calls")})
		wantNil(t, err)
		if want := "http://queue.test:9324/000000000000/calls"; *out.QueueUrl != want {
			t.Errorf("URL is %s, want %s", *out.QueueUrl, want)
		}
		_, err = f.client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: out.QueueUrl, MessageBody: aws.String("a")})
		wantNil(t, err)
		f.wantDepth(sqslocal.Depth{Visible: 1})
	})
}

func TestQueueAttributes(t *testing.T) {
	bubble(t, attrs{"DelaySeconds": "5"}, func(t *testing.T, f *fixture) {
		f.send("a")
		get := func(names ...types.QueueAttributeName) attrs {
			t.Helper()
			out, err := f.client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &f.url, AttributeNames: names})
			if err != nil {
				t.Fatal(err)
			}
			return out.Attributes
		}
		want := attrs{
			"DelaySeconds": "5", "VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
			"ReceiveMessageWaitTimeSeconds": "0", "QueueArn": "arn:aws:sqs:us-east-1:000000000000:calls",
			"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "1",
			"CreatedTimestamp": "946684800", "LastModifiedTimestamp": "946684800", // when every bubble begins
		}
		if got := get("All"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("attributes are %v, want %v", got, want)
		}
		if got := get("QueueArn", "RedrivePolicy"); len(got) != 1 {
			t.Errorf("attributes are %v, want one", got)
		}
		if got := get(); len(got) != 0 {
			t.Errorf("attributes are %v, want none", got)
		}
		set := func(name, value string) error {
			_, err := f.client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &f.url, Attributes: attrs{name: value}})
			return err
		}
		wantNil(t, set("VisibilityTimeout", "43200"))
		for name, values := range map[string][]string{
			"VisibilityTimeout": {"43201", "-1", "many", ""}, "DelaySeconds": {"901"}, "ReceiveMessageWaitTimeSeconds": {"21"},
			"MaximumMessageSize": {"1023", "1048577"}, "MessageRetentionPeriod": {"59"},
		} {
			for _, value := range values {
				wantError[*types.InvalidAttributeValue](t, set(name, value))
			}
		}
		wantError[*types.InvalidAttributeName](t, set("QueueArn", "a"))
		wantError[*types.InvalidAttributeName](t, set("FifoQueue", "true"))
		if got := get("VisibilityTimeout")["VisibilityTimeout"]; got != "43200" {
			t.Errorf("VisibilityTimeout is %s, want 43200", got)
		}
	})
}

func TestListQueuesPageByPage(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.create("calls-2", nil)
		f.create("calls-1", nil)
		f.create("other", nil)
		var got []string
		pages := sqs.NewListQueuesPaginator(f.client, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("calls"), MaxResults: aws.Int32(2)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(page.QueueUrls))
		}
		want := fmt.Sprintf("[[%s %[1]s-1] [%[1]s-2]]", f.url)
		if fmt.Sprint(got) != want {
			t.Errorf("pages are %v, want %s", got, want)
		}
	})
}

func TestDeletedQueueDoesNotExist(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a")
		m := f.receiveOne()
		_, err := f.client.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &f.url})
		wantNil(t, err)
		err = f.delete(m)
		wantError[*types.QueueDoesNotExist](t, err)
		wantCode(t, err, "AWS.SimpleQueueService.NonExistentQueue")
		f.create("calls", nil)
		f.wantDepth(sqslocal.Depth{})
		wantError[*types.ReceiptHandleIsInvalid](t, f.delete(m)) // of the queue before
	})
}

func TestPurgeEmptiesTheQueue(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a", "b", "c")
		m := f.receive(0)[0]
		wantNil(t, f.hide(m, 0))
		f.wantDepth(sqslocal.Depth{Visible: 1, InFlight: 2})
		_, err := f.client.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &f.url})
		wantNil(t, err)
		f.wantDepth(sqslocal.Depth{})
		wantNil(t, f.delete(m))
		f.send("d")
		f.wantBodies(f.receive(0), "d")
	})
}

func TestRequestsSQSWouldRefuse(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		receive := func(in sqs.ReceiveMessageInput) error {
			in.QueueUrl = &f.url
			_, err := f.client.ReceiveMessage(t.Context(), &in)
			return err
		}
		wantCode(t, receive(sqs.ReceiveMessageInput{MaxNumberOfMessages: 11}), "InvalidParameterValue")
		wantCode(t, receive(sqs.ReceiveMessageInput{MaxNumberOfMessages: -1}), "InvalidParameterValue")
		wantCode(t, receive(sqs.ReceiveMessageInput{WaitTimeSeconds: 21}), "InvalidParameterValue")
		wantCode(t, receive(sqs.ReceiveMessageInput{VisibilityTimeout: 43201}), "InvalidParameterValue")

		deleteBatch := func(ids ...string) error {
			in := &sqs.DeleteMessageBatchInput{QueueUrl: &f.url}
			for _, id := range ids {
				in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(id), ReceiptHandle: aws.String("a")})
			}
			_, err := f.client.DeleteMessageBatch(t.Context(), in)
			return err
		}
		wantError[*types.BatchEntryIdsNotDistinct](t, deleteBatch("a", "b", "a"))
		wantError[*types.InvalidBatchEntryId](t, deleteBatch("a b"))
		wantError[*types.InvalidBatchEntryId](t, deleteBatch(strings.Repeat("a", 81)))

		_, err := f.client.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: &f.url, Tags: attrs{"a": "b"}})
		wantCode(t, err, "InvalidAction")
		for _, name := range []string{"a b", "", strings.Repeat("a", 81), ".fifo"} {
			_, err := f.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
			wantCode(t, err, "InvalidParameterValue")
		}
	})
}
