package eventbridge_test

import (
	"crypto/rand"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"wildix-worker/events/handlers/eventbridge"
	"wildix-worker/events/handlers/internal/awsbatch/awsbatchtest"
)

func TestRuleSelectsEvents(t *testing.T) {
	endpoint := awsbatchtest.MotoEndpoint(t)
	client := awseventbridge.New(awseventbridge.Options{Region: awsbatchtest.Region, BaseEndpoint: &endpoint, Credentials: awsbatchtest.Credentials})
	queue := awsbatchtest.NewQueue(t, endpoint)
	busName, rule := aws.String("calls-"+rand.Text()), aws.String("ends")
	_, err := client.CreateEventBus(t.Context(), &awseventbridge.CreateEventBusInput{Name: busName})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PutRule(t.Context(), &awseventbridge.PutRuleInput{
		Name: rule, EventBusName: busName, EventPattern: aws.String(`{"source":["wildix-worker"],"detail-type":["call:end"]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PutTargets(t.Context(), &awseventbridge.PutTargetsInput{
		Rule: rule, EventBusName: busName, Targets: []types.Target{{Id: aws.String("queue"), Arn: &queue.ARN}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := eventbridge.New(eventbridge.Config{Client: client, Bus: *busName})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Check(t.Context()); err != nil {
		t.Error(err)
	}
	list := awsbatchtest.Events(t, 25)
	list[24].Type = "call:start" // which the rule does not select
	awsbatchtest.HandleConcurrently(t, h, list)
	ids := make(map[string]bool)
	for _, m := range queue.Receive(t, 24) {
		var got struct {
			DetailType string `json:"detail-type"`
			Time       string
			Detail     struct{ ID string }
		}
		if err := json.Unmarshal([]byte(*m.Body), &got); err != nil || got.DetailType != "call:end" || got.Time != "2023-08-30T10:04:13Z" {
			t.Errorf("%v in %s", err, *m.Body)
		}
		ids[got.Detail.ID] = true
	}
	if len(ids) != 24 || ids["call-24"] {
		t.Errorf("%d different events", len(ids))
	}
	missing, err := eventbridge.New(eventbridge.Config{Client: client, Bus: "no-such-bus"})
	if err != nil {
		t.Fatal(err)
	}
	if err := missing.Check(t.Context()); awsbatchtest.KindOf(err) != awsbatchtest.Retry {
		t.Errorf("%v", err)
	}
}
