package sns_test

import (
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"wildix-worker/events"
	"wildix-worker/events/handlers/internal/awsbatch/awsbatchtest"
	"wildix-worker/events/handlers/sns"
	"wildix-worker/signature"
)

// A worker that consumes a queue with raw message delivery verifies what the handler has
// published.
func TestSubscriberVerifiesEachEvent(t *testing.T) {
	endpoint := awsbatchtest.MotoEndpoint(t)
	client := awssns.New(awssns.Options{Region: awsbatchtest.Region, BaseEndpoint: &endpoint, Credentials: awsbatchtest.Credentials})
	queue := awsbatchtest.NewQueue(t, endpoint)
	topic, err := client.CreateTopic(t.Context(), &awssns.CreateTopicInput{Name: aws.String("calls-" + rand.Text())})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Subscribe(t.Context(), &awssns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &queue.ARN, Attributes: map[string]string{"RawMessageDelivery": "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := sns.New(sns.Config{Client: client, TopicARN: *topic.TopicArn})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Check(t.Context()); err != nil {
		t.Error(err)
	}
	list := awsbatchtest.Events(t, 25)
	awsbatchtest.HandleConcurrently(t, h, list)
	keys, err := signature.NewKeyring(signature.Key{Secret: awsbatchtest.Secret})
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]bool)
	for _, m := range queue.Receive(t, len(list)) {
		e, outcome, err := events.DecodeSigned(keys, []byte(*m.Body), aws.ToString(m.MessageAttributes["X-SIGNATURE"].StringValue))
		if err != nil || aws.ToString(m.MessageAttributes["X-Wildix-Event"].StringValue) != events.CallEnd {
			t.Fatalf("%s: %v, attributes %v", outcome, err, m.MessageAttributes)
		}
		ids[e.ID] = true
	}
	if len(ids) != len(list) {
		t.Errorf("%d different events", len(ids))
	}
	missing, err := sns.New(sns.Config{Client: client, TopicARN: *topic.TopicArn + "-old"})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{missing.Check(t.Context()), missing.HandleEvent(t.Context(), list[0])} {
		if awsbatchtest.KindOf(err) != awsbatchtest.Retry {
			t.Errorf("%v", err)
		}
	}
}
