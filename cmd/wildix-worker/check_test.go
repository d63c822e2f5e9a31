package main

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
)

// others are servers that check is tried on besides the embedded one, by name:
// CHECK_SERVERS="moto=http://127.0.0.1:5000 ...". The tests change how a server
// behaves, so that nobody else should use it meanwhile.
func others() map[string]string {
	servers := make(map[string]string)
	for _, text := range strings.Fields(os.Getenv("CHECK_SERVERS")) {
		name, endpoint, _ := strings.Cut(text, "=")
		servers[name] = endpoint
	}
	return servers
}

// everywhere runs a test against every server.
func everywhere(t *testing.T, test func(t *testing.T, endpoint string)) {
	srv := startLocal(t)
	t.Run("sqslocal", func(t *testing.T) { test(t, srv.URL()) })
	for name, endpoint := range others() {
		t.Run(name, func(t *testing.T) { test(t, endpoint) })
	}
}

// startLocal starts an embedded server, and sets what run and check need.
func startLocal(t *testing.T) *sqslocal.Server {
	t.Helper()
	srv := sqslocal.New(sqslocal.Options{})
	fatal(t, srv.Start(""))
	t.Cleanup(func() { srv.Close() })
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv(secretVariable, "s3cret")
	return srv
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newQueue makes a queue for the test, with a name that ends so.
func newQueue(t *testing.T, endpoint, ending string) (client *sqs.Client, queueURL string) {
	t.Helper()
	queueURL = endpoint + "/000000000000/check-" + rand.Text() + ending
	client, err := newClient(t.Context(), queueURL)
	fatal(t, err)
	fatal(t, createQueue(t.Context(), client, queueURL))
	t.Cleanup(func() {
		_, err := client.DeleteQueue(context.WithoutCancel(t.Context()), &sqs.DeleteQueueInput{QueueUrl: &queueURL})
		fatal(t, err)
	})
	return client, queueURL
}

// findings makes all checks of a queue.
func findings(t *testing.T, queueURL string, limit time.Duration) map[string]finding {
	t.Helper()
	all := make(map[string]finding)
	i := &inspection{settings: &workerSettings{
		QueueURL: queueURL, handlerSettings: handlerSettings{Handlers: "log"}, logSettings: logSettings{LogLevel: "info"},
	}, limit: limit}
	if i.each(t.Context(), func(name string, f finding) { all[name] = f }) {
		t.Fatal("stopped")
	}
	return all
}

func TestCheckHasNoSideEffects(t *testing.T) {
	everywhere(t, func(t *testing.T, endpoint string) {
		for _, ending := range []string{"", ".fifo"} {
			client, queueURL := newQueue(t, endpoint, ending)
			messages := []outgoing{newOutgoing("s3cret", "call:end", "call-1", []byte("{}"), "")}
			_, err := sendAll(t.Context(), client, queueURL, messages)
			fatal(t, err)
			for name, f := range findings(t, queueURL, lookTimeout) {
				if f.word == wordProblem || strings.HasSuffix(name, "Message") && f.word != wordOK {
					t.Errorf("%s: %s %s %s", name, f.word, f.what, f.more)
				}
			}
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: &queueURL, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
			})
			fatal(t, err)
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
	everywhere(t, func(t *testing.T, endpoint string) {
		client, queueURL := newQueue(t, endpoint, "")
		_, err := sendAll(t.Context(), client, queueURL, []outgoing{newOutgoing("s3cret", "call:end", "call-1", []byte("{}"), "")})
		fatal(t, err)
		receive := func() []types.Message {
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queueURL, VisibilityTimeout: 60})
			fatal(t, err)
			return out.Messages
		}
		leased := receive()
		if len(leased) != 1 {
			t.Fatal("no message")
		}
		findings(t, queueURL, lookTimeout)
		if len(receive()) > 0 {
			t.Error("the check gave the message back")
		}
		_, err = client.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &queueURL, ReceiptHandle: leased[0].ReceiptHandle})
		fatal(t, err)
		if len(receive()) != 1 {
			t.Error("the check deleted the message")
		}
	})
}

func TestCheckDoesNotWaitForAnswers(t *testing.T) {
	srv := startLocal(t)
	_, queueURL := newQueue(t, srv.URL(), "")
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
	r := report{screen: &screen{out: &out, colour: true}}
	r.add("queue", problem("gone", ""))
	if want := "\x1b[31mproblem\x1b[0m  queue                    gone\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestDurationsAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Minute: "1m", 90 * time.Second: "1m30s", 30 * time.Second: "30s", 10 * time.Minute: "10m",
		time.Hour: "1h", 20 * time.Hour: "20h", 24 * time.Hour: "1 day", 14 * 24 * time.Hour: "14 days", 36 * time.Hour: "36h",
		time.Hour + time.Second: "1h0m1s",
	} {
		if got := short(d); got != want {
			t.Errorf("%s is written %q, want %q", d, got, want)
		}
	}
}
