package sqscall

import (
	"strings"
	"testing"
)

func TestOneQueueURLWithoutCredentials(t *testing.T) {
	for _, text := range []string{
		"", "queue", "arn:aws:sqs:eu-central-1:123456789012:calls", "https://sqs.eu-central-1.amazonaws.com/", "ftp://127.0.0.1/000000000000/calls",
		"https://127.0.0.1/000000000000/calls,https://127.0.0.1/000000000000/other", "https://127.0.0.1/000000000000/calls x", "https://127.0.0.1/000000000000/calls\n",
		"https://calls:hidden@127.0.0.1/000000000000/calls", "calls:hidden@127.0.0.1",
	} {
		if err := CheckQueueURL(text); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"https://sqs.eu-central-1.amazonaws.com/123456789012/calls", "http://127.0.0.1:9324/000000000000/calls.fifo"} {
		if err := CheckQueueURL(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
