package send

import (
	"strings"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/exportfile"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/internal/sqscall"
)

// Anyone who may send to the queue can write such messages.
func TestDLQHostileMessagesAreSentAgain(t *testing.T) {
	srv := awstest.StartLocal(t)
	client, queueURL := awstest.NewQueue(t, srv.URL(), "")
	var messages []outgoing.Message
	for range 10 {
		e := exportfile.Message{
			Body:       `{"id":"call-1","type":"call:\u001b]0;owned\u0007","time":1693389850810}`,
			Attributes: map[string]exportfile.Attribute{sqscall.SignatureAttribute: {Type: "String", Value: strings.Repeat("a", 200_000)}},
		}
		m, err := e.Outgoing()
		awstest.Fatal(t, err)
		messages = append(messages, m)
	}
	if ids, err := outgoing.Send(t.Context(), client, queueURL, messages); len(ids) != 10 || err != nil {
		t.Errorf("sent %d messages: %v", len(ids), err)
	}
	if text := tallyTypes(messages); strings.ContainsAny(text, "\x1b\a") {
		t.Errorf("printed %q", text)
	}
}
