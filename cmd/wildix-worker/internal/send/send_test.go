package send

import (
	"strings"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/exportfile"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/internal/sqscall"
)

// Such messages can come from anyone with permission to send to the queue.
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

func TestSettingsThatDoNotFitTogetherAreRefused(t *testing.T) {
	t.Setenv(config.SecretVariable, "s3cret")
	const queueURL = "http://127.0.0.1:9324/000000000000/calls"
	for name, test := range map[string]struct {
		cmd  Command
		want string // in the error; empty for none
	}{
		"queue":             {Command{QueueURL: queueURL}, ""},
		"webhook":           {Command{Webhook: "http://127.0.0.1:8080/webhook"}, ""},
		"nowhere":           {Command{}, "--queue-url (WILDIX_QUEUE_URL): "},
		"not a webhook":     {Command{Webhook: "127.0.0.1:8080"}, `--webhook: "127.0.0.1:8080" is not a URL`},
		"webhook to create": {Command{Webhook: "http://127.0.0.1:8080/webhook", Create: true}, "--create: can't be used with --webhook"},
		"unknown defect":    {Command{QueueURL: queueURL, Bad: "late"}, `--bad: "late" is not tampered, unsigned or malformed`},
		"exported defect":   {Command{QueueURL: queueURL, Exported: "file", Bad: "unsigned"}, "--bad: can't be used with --exported"},
		"exported copies":   {Command{QueueURL: queueURL, Exported: "file", Count: config.Count{Value: 2}}, "--count: can't be used with --exported"},
	} {
		_, err := test.cmd.check()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
