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

// findings returns the findings of all checks of a queue, by name.
func findings(t *testing.T, queueURL string, timeout time.Duration) map[string]finding {
	t.Helper()
	all := make(map[string]finding)
	i := &inspection{settings: &worker.Settings{
		QueueURL: queueURL, Settings: handlers.Settings{Handlers: "log"}, Log: config.Log{LogLevel: "info"},
	}, timeout: timeout}
	i.settings.Output = "auto"
	if runAll(t.Context(), i, func(name string, f finding) { all[name] = f }) {
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
				if f.status == statusProblem || strings.HasSuffix(name, "Message") && f.status != statusOK {
					t.Errorf("%s: %s %s %s", name, f.status, f.text, f.advice)
				}
			}
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: &queueURL, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
			})
			awstest.Fatal(t, err)
			if len(out.Messages) != 1 {
				t.Fatalf("the check hid or deleted the message of a queue with ending %q", ending)
			}
			if count := out.Messages[0].Attributes["ApproximateReceiveCount"]; count != "1" {
				t.Errorf("the first receive after the check has count %s", count)
			}
		}
	})
}

// The made-up receipt handle must not be that of a message.
func TestCheckDoesNotTouchMessagesInFlight(t *testing.T) {
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
			t.Error("the check returned the message to the queue")
		}
		_, err = client.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &queueURL, ReceiptHandle: leased[0].ReceiptHandle})
		awstest.Fatal(t, err)
		if len(receive()) != 1 {
			t.Error("the check deleted the message")
		}
	})
}

func TestCheckTimesOut(t *testing.T) {
	srv := awstest.StartLocal(t)
	_, queueURL := awstest.NewQueue(t, srv.URL(), "")
	const timeout = time.Second
	for action, check := range map[string]string{"GetQueueAttributes": "queue", "ReceiveMessage": "ReceiveMessage"} {
		stop := srv.Inject(sqslocal.Fault{Action: action, Hang: true})
		f := findings(t, queueURL, timeout)[check]
		if f.status != statusProblem || !strings.HasPrefix(f.text, "no answer from "+srv.URL()) || !strings.Contains(f.text, "within 1s; check the network") {
			t.Errorf("%s: %s %s", action, f.status, f.text)
		}
		stop()
	}
}

func TestLongNameLeavesTheTextToTheNextLine(t *testing.T) {
	var out strings.Builder
	r := report{Printer: &term.Printer{Out: &out}}
	r.add("missed-calls-of-all-branches (http)", ok("hooks.example.com"))
	if want := "ok       missed-calls-of-all-branches (http)\n         hooks.example.com\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
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
