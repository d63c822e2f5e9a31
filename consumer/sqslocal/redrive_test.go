package sqslocal_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer/sqslocal"
)

const deadARN = "arn:aws:sqs:us-east-1:000000000000:dead"

func TestMessageReceivedTooOftenMovesToTheDeadLetterQueue(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		dead := f.create("dead", nil)
		_, err := f.client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
			QueueUrl:   &f.url,
			Attributes: attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + deadARN + `","maxReceiveCount":"2"}`},
		})
		wantNil(t, err)
		f.send("poison")
		first := f.receiveOne()
		time.Sleep(30 * time.Second)
		f.receiveOne()
		time.Sleep(30 * time.Second)
		f.send("good")

		defer later(0, func() {
			start := time.Now()
			got := f.receiveFrom(dead, 20) // the move has to wake it
			took(t, start, time.Second)
			if f.wantBodies(got, "poison"); t.Failed() {
				return
			}
			m := got[0]
			if *m.MessageId != *first.MessageId || m.Attributes["SentTimestamp"] != first.Attributes["SentTimestamp"] {
				t.Error("a message that moves keeps its id and the time it was sent")
			}
			if m.Attributes["ApproximateReceiveCount"] != "3" || m.Attributes["DeadLetterQueueSourceArn"] != "arn:aws:sqs:us-east-1:000000000000:calls" {
				t.Errorf("attributes are %v", m.Attributes)
			}
		})()
		time.Sleep(time.Second)
		f.wantBodies(f.receive(0), "good")
		f.wantDepth(sqslocal.Depth{InFlight: 1})
	})
}

func TestRedrivePolicyIsChecked(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.create("dead", nil)
		f.create("dead.fifo", attrs{"FifoQueue": "true"})
		set := func(policy string) error {
			_, err := f.client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &f.url, Attributes: attrs{"RedrivePolicy": policy}})
			return err
		}
		for _, policy := range []string{
			`nonsense`,
			`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:nobody","maxReceiveCount":3}`,
			`{"deadLetterTargetArn":"` + deadARN + `.fifo","maxReceiveCount":3}`,
			`{"deadLetterTargetArn":"` + deadARN + `","maxReceiveCount":0}`,
			`{"deadLetterTargetArn":"` + deadARN + `","maxReceiveCount":"many"}`,
		} {
			wantCode(t, set(policy), "InvalidParameterValue")
		}
		wantNil(t, set(`{"deadLetterTargetArn":"`+deadARN+`","maxReceiveCount":3}`))
		dead := aws.String("http://anywhere/000000000000/dead")
		sources, err := f.client.ListDeadLetterSourceQueues(t.Context(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: dead})
		wantNil(t, err)
		if len(sources.QueueUrls) != 1 || sources.QueueUrls[0] != f.url {
			t.Errorf("sources are %v, want %s", sources.QueueUrls, f.url)
		}
		wantNil(t, set("")) // takes it away
		if sources, err = f.client.ListDeadLetterSourceQueues(t.Context(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: dead}); err != nil || len(sources.QueueUrls) != 0 {
			t.Errorf("sources are %v (%v), want none", sources, err)
		}
	})
}
