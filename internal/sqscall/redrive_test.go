package sqscall_test

import (
	"testing"

	"wildix-worker/internal/sqscall"
)

func TestRedrivePolicyOfEveryServerIsParsed(t *testing.T) {
	want := sqscall.RedrivePolicy{DeadLetterQueue: "calls-dlq", MaxReceiveCount: 10}
	for _, text := range []string{
		`{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:123456789012:calls-dlq","maxReceiveCount":10}`,
		`{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:123456789012:calls-dlq","maxReceiveCount":"10"}`,
	} {
		if got, err := sqscall.ParseRedrivePolicy(text); got != want || err != nil {
			t.Errorf("%s: %+v (%v), want %+v", text, got, err, want)
		}
	}
	if got := want.DeadLetterQueueURL("https://sqs.eu-central-1.amazonaws.com/123456789012/calls"); got != "https://sqs.eu-central-1.amazonaws.com/123456789012/calls-dlq" {
		t.Errorf("dead-letter queue at %s", got)
	}
}

func TestRedrivePolicyThatIsNoneIsAnError(t *testing.T) {
	for _, text := range []string{"", "calls-dlq", `{"deadLetterTargetArn":"a"}`, `{"maxReceiveCount":"many"}`} {
		if got, err := sqscall.ParseRedrivePolicy(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
