package check

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/handlers"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/cmd/wildix-worker/internal/worker"
	"wildix-worker/consumer/sqslocal"
)

// findings makes all checks of a queue.
func findings(t *testing.T, queueURL string, limit time.Duration) map[string]finding {
	t.Helper()
	all := make(map[string]finding)
	i := &inspection{settings: &worker.Settings{
		QueueURL: queueURL, Settings: handlers.Settings{Handlers: "log"}, Log: config.Log{LogLevel: "info"},
	}, limit: limit}
	if i.each(t.Context(), func(name string, f finding) { all[name] = f }) {
		t.Fatal("stopped")
	}
	return all
}

func TestCheckHasNoSideEffects(t *testing.T) {
	awstest.OnEveryServer(t, func(t *testing.T, endpoint string) {
		for _, ending := range []string{"", ".fifo"} {
			client, queueURL := awstest.NewQueue(t, endpoint, ending)
			messages := []outgoing.Message{outgoing.Sign("s3cret", "call:end", "call-1", []byte("{}"), "")}
			_, err := outgoing.Send(t.Context(), client, queueURL, messages)
			awstest.Fatal(t, err)
			for name, f := range findings(t, queueURL, awsclient.Timeout) {
				if f.word == wordProblem || strings.HasSuffix(name, "Message") && f.word != wordOK {
					t.Errorf("%s: %s %s %s", name, f.word, f.what, f.more)
				}
			}
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: &queueURL, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
			})
			awstest.Fatal(t, err)
			if len(out.Messages) != 1 {
				t.Fatalf("the check hid or deleted the message of a queue %q", ending)
			}
			if count := out.Messages[0].Attributes["ApproximateReceiveCount"]; count != "1" {
				t.Errorf("the first receive after the check has count %s", count)
			}
		}
	})
}

// A message that is being handled keeps its lease: the made-up handle is
// nobody's.
func TestCheckLeavesLeasesAlone(t *testing.T) {
	awstest.OnEveryServer(t, func(t *testing.T, endpoint string) {
		client, queueURL := awstest.NewQueue(t, endpoint, "")
		_, err := outgoing.Send(t.Context(), client, queueURL, []outgoing.Message{outgoing.Sign("s3cret", "call:end", "call-1", []byte("{}"), "")})
		awstest.Fatal(t, err)
		receive := func() []types.Message {
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queueURL, VisibilityTimeout: 60})
			awstest.Fatal(t, err)
			return out.Messages
		}
		leased := receive()
		if len(leased) != 1 {
			t.Fatal("no message")
		}
		findings(t, queueURL, awsclient.Timeout)
		if len(receive()) > 0 {
			t.Error("the check gave the message back")
		}
		_, err = client.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &queueURL, ReceiptHandle: leased[0].ReceiptHandle})
		awstest.Fatal(t, err)
		if len(receive()) != 1 {
			t.Error("the check deleted the message")
		}
	})
}

func TestCheckDoesNotWaitForAnswers(t *testing.T) {
	srv := awstest.StartLocal(t)
	_, queueURL := awstest.NewQueue(t, srv.URL(), "")
	const limit = time.Second
	for action, check := range map[string]string{"GetQueueAttributes": "queue", "ReceiveMessage": "ReceiveMessage"} {
		remove := srv.Inject(sqslocal.Fault{Action: action, Hang: true})
		f := findings(t, queueURL, limit)[check]
		if f.word != wordProblem || !strings.HasPrefix(f.what, "no answer from "+srv.URL()) || !strings.Contains(f.what, "within 1s; check the network") {
			t.Errorf("%s: %s %s", action, f.word, f.what)
		}
		remove()
	}
}

func TestReportIsColouredOnATerminal(t *testing.T) {
	var out strings.Builder
	r := report{Printer: &term.Printer{Out: &out, Colour: true}}
	r.add("queue", problem("gone", ""))
	if want := "\x1b[31mproblem\x1b[0m  queue                    gone\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
