package dlq

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/cmd/wildix-worker/internal/exportfile"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

// newDeadLetters creates a queue with a maxReceiveCount of 1 and its dead-letter queue, sends
// the messages, and waits until they are in the dead-letter queue.
func newDeadLetters(t *testing.T, endpoint string, messages []outgoing.Message) (queueURL string, d *deadLetterQueue) {
	t.Helper()
	client, deadURL := awstest.NewQueue(t, endpoint, "")
	dead := deadletter.Queue{Attributes: awsclient.GetAttributes(t.Context(), client, deadURL)}
	awstest.Fatal(t, dead.Err)
	// ElasticMQ never answers a move if the policy was set after the queue was created.
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("check-" + rand.Text()), Attributes: map[string]string{
		"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":"%s","maxReceiveCount":"1"}`, dead.ARN()),
		"VisibilityTimeout": "0",
	}})
	awstest.Fatal(t, err)
	queueURL = *out.QueueUrl
	t.Cleanup(func() {
		_, err := client.DeleteQueue(context.WithoutCancel(t.Context()), &sqs.DeleteQueueInput{QueueUrl: &queueURL})
		awstest.Fatal(t, err)
	})
	_, err = outgoing.Send(t.Context(), client, queueURL, messages)
	awstest.Fatal(t, err)
	settings := queueSettings{QueueURL: queueURL}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		_, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queueURL, MaxNumberOfMessages: 10})
		awstest.Fatal(t, err)
		d, err = settings.find(t.Context(), config.Faults{})
		awstest.Fatal(t, err)
		if d.Visible() == len(messages) {
			return queueURL, d
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d messages are in the dead-letter queue after a minute", d.Visible(), len(messages))
		}
	}
}

// mixed returns messages of each verdict.
func mixed() []outgoing.Message {
	body := []byte(`{"id":"call-1","type":"call:end","time":1693389850810}`)
	return []outgoing.Message{
		outgoing.Sign("s3cret", "call:end", "a", body, ""),
		outgoing.Sign("s3cret", "call:end", "b", append(bytes.Clone(body), '\n'), ""),
		outgoing.Sign("s3cret", "call:end", "c", body, outgoing.Tampered),
		outgoing.Sign("s3cret", "call:end", "d", body, outgoing.Unsigned),
		outgoing.Sign("s3cret", "call:end", "e", body, outgoing.Malformed),
	}
}

func counted(t *testing.T, queueURL string) (visible, inFlight int) {
	t.Helper()
	client, err := awsclient.New(t.Context(), queueURL)
	awstest.Fatal(t, err)
	d := deadletter.Queue{Attributes: awsclient.GetAttributes(t.Context(), client, queueURL)}
	awstest.Fatal(t, d.Err)
	return d.Visible(), d.InFlight()
}

func TestDLQSampleIsInspectedAndReturned(t *testing.T) {
	awstest.OnEveryServer(t, func(t *testing.T, endpoint string) {
		_, d := newDeadLetters(t, endpoint, mixed())
		for range 2 {
			sample, err := d.Sample(t.Context(), 10)
			awstest.Fatal(t, err)
			counts := map[string]int{}
			for _, m := range sample {
				counts[m.Verdict.Result]++
			}
			if len(sample) != 5 || counts["valid"] != 2 || counts["rejected"] != 2 || counts["malformed"] != 1 {
				t.Errorf("the sample has %v", counts)
			}
			if visible, inFlight := counted(t, d.URL); visible != 5 || inFlight != 0 {
				t.Errorf("afterwards %d are visible and %d in flight, want 5 and 0", visible, inFlight)
			}
		}
	})
}

func TestDLQExportReturnsMessagesAndCanBeSentAgain(t *testing.T) {
	awstest.OnEveryServer(t, func(t *testing.T, endpoint string) {
		messages := mixed()
		for len(messages) < 23 { // more than two receives
			messages = append(messages, outgoing.Sign("s3cret", "call:end", "f", fmt.Appendf(nil, `{"n":%d}`, len(messages)), ""))
		}
		_, d := newDeadLetters(t, endpoint, messages)
		var out bytes.Buffer
		written, err := d.export(t.Context(), &out, time.Minute)
		awstest.Fatal(t, err)
		if written != len(messages) {
			t.Errorf("exported %d messages, want %d", written, len(messages))
		}
		if visible, inFlight := counted(t, d.URL); visible != len(messages) || inFlight != 0 {
			t.Errorf("afterwards %d are visible and %d in flight, want %d and 0", visible, inFlight, len(messages))
		}
		wanted := make(map[string]int)
		for _, m := range messages {
			wanted[string(m.Body)+m.Signature]++
		}
		for lines := json.NewDecoder(&out); ; {
			var e exportfile.Message
			if err := lines.Decode(&e); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			m, err := e.Outgoing()
			awstest.Fatal(t, err)
			wanted[string(m.Body)+m.Signature]--
		}
		for what, n := range wanted {
			if n != 0 {
				t.Errorf("%d of %q are missing", n, what)
			}
		}
	})
}

// cancelling is a writer that cancels a context at each write.
type cancelling struct{ cancel context.CancelFunc }

func (c cancelling) Write(p []byte) (int, error) { c.cancel(); return len(p), nil }

func TestDLQExportReturnsMessagesWhenStopped(t *testing.T) {
	awstest.OnEveryServer(t, func(t *testing.T, endpoint string) {
		_, d := newDeadLetters(t, endpoint, mixed())
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := d.export(ctx, cancelling{cancel}, time.Hour); !errors.Is(err, deadletter.ErrStopped) {
			t.Errorf("error is %v, want %v", err, deadletter.ErrStopped)
		}
		if visible, inFlight := counted(t, d.URL); visible != 5 || inFlight != 0 {
			t.Errorf("afterwards %d are visible and %d in flight, want 5 and 0", visible, inFlight)
		}
	})
}

// Messages are received again when the export takes longer than their visibility timeout.
func TestDLQExportWritesEachMessageOnce(t *testing.T) {
	srv := awstest.StartLocal(t)
	_, d := newDeadLetters(t, srv.URL(), mixed())
	srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Duplicate: true, Count: 1})
	if written, err := d.export(t.Context(), io.Discard, time.Minute); written != 5 || err != nil {
		t.Errorf("exported %d messages (%v), want 5", written, err)
	}
}

func TestDLQReturnIsRetried(t *testing.T) {
	for name, fault := range map[string]sqslocal.Fault{
		"some are refused": {FailEntries: 3, Count: 1},
		"calls fail":       {Code: "AccessDenied", Count: 2},
	} {
		t.Run(name, func(t *testing.T) {
			srv := awstest.StartLocal(t)
			_, d := newDeadLetters(t, srv.URL(), mixed())
			fault.Action = "ChangeMessageVisibilityBatch"
			srv.Inject(fault)
			_, err := d.Sample(t.Context(), 10)
			awstest.Fatal(t, err)
			if visible, inFlight := counted(t, d.URL); visible != 5 || inFlight != 0 {
				t.Errorf("afterwards %d are visible and %d in flight, want 5 and 0", visible, inFlight)
			}
		})
	}
}

// Each call of a server that does not answer takes ten seconds.
func TestDLQReturnGivesUp(t *testing.T) {
	srv := awstest.StartLocal(t)
	messages := mixed()
	for len(messages) < 50 {
		messages = append(messages, messages[0])
	}
	_, d := newDeadLetters(t, srv.URL(), messages)
	srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Code: "AccessDenied", Count: 3})
	if _, err := d.export(t.Context(), io.Discard, time.Minute); err == nil || !strings.Contains(err.Error(), "not permitted: sqs:ChangeMessageVisibility") {
		t.Errorf("error is %v", err)
	}
	if _, inFlight := counted(t, d.URL); inFlight != 50 {
		t.Errorf("%d are in flight, want 50: it went on after %d calls", inFlight, 3)
	}
}

// Users purge the queue after an export that succeeds, so an incomplete one must fail.
func TestDLQExportReportsMessagesThatAreInFlight(t *testing.T) {
	srv := awstest.StartLocal(t)
	_, d := newDeadLetters(t, srv.URL(), mixed())
	srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", DropAfter: true, Count: 1}) // the queue returns all, and the response is lost
	if written, err := d.export(t.Context(), io.Discard, time.Minute); written != 0 || err == nil || !strings.HasPrefix(err.Error(), "about 5 more messages are in flight") {
		t.Errorf("exported %d messages (%v)", written, err)
	}
}

// Inspecting counts as a receive. A dead-letter queue with a redrive policy may then move
// messages on.
func TestDLQExportReportsMessagesThatMovedOn(t *testing.T) {
	srv := awstest.StartLocal(t)
	client, next := awstest.NewQueue(t, srv.URL(), "")
	last := deadletter.Queue{Attributes: awsclient.GetAttributes(t.Context(), client, next)}
	awstest.Fatal(t, last.Err)
	queueURL, d := newDeadLetters(t, srv.URL(), mixed())
	_, err := client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &d.URL, Attributes: map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"%s","maxReceiveCount":"1"}`, last.ARN()),
	}})
	awstest.Fatal(t, err)
	settings := queueSettings{QueueURL: queueURL}
	export := func() (written int, err error) {
		d, err := settings.find(t.Context(), config.Faults{})
		awstest.Fatal(t, err)
		return d.export(t.Context(), io.Discard, time.Minute)
	}
	if written, err := export(); written != 5 || err != nil {
		t.Fatalf("exported %d messages (%v), want 5", written, err)
	}
	if written, err := export(); written != 0 || err == nil || !strings.Contains(err.Error(), "about 5 messages are no longer in the queue") {
		t.Errorf("exported %d messages (%v) of a queue that has moved them on", written, err)
	}
}

// noMoveTasks are servers without message move tasks.
var noMoveTasks = map[string]bool{"moto": true, "fauxqs": true}

func TestDLQRedriveMovesAllMessages(t *testing.T) {
	awstest.OnEveryServer(t, func(t *testing.T, endpoint string) {
		queueURL, d := newDeadLetters(t, endpoint, mixed())
		var output bytes.Buffer
		m := &moveTask{deadLetterQueue: d, out: &term.Printer{Out: &output}}
		running, err := m.watchRunning(t.Context())
		if name := serverName(t); noMoveTasks[name] {
			if err == nil || !strings.Contains(err.Error(), "has no message move tasks") {
				t.Errorf("error is %v", err)
			}
			t.Skipf("%s has no message move tasks: %v", name, err)
		}
		awstest.Fatal(t, err)
		if running {
			t.Fatal("a task is running already")
		}
		awstest.Fatal(t, m.run(t.Context()))
		if !strings.Contains(output.String(), "moved 5 messages\n") {
			t.Errorf("printed %q", output.String())
		}
		if visible, _ := counted(t, queueURL); visible != 5 {
			t.Errorf("the queue holds %d messages, want 5", visible)
		}
		if visible, _ := counted(t, d.URL); visible != 0 {
			t.Errorf("the dead-letter queue holds %d messages, want none", visible)
		}
	})
}

func TestDLQRedriveIsCancelled(t *testing.T) {
	awstest.OnEveryServer(t, func(t *testing.T, endpoint string) {
		switch name := serverName(t); {
		case noMoveTasks[name]:
			t.Skipf("%s has no message move tasks", name)
		case name == "elasticmq":
			t.Skip("elasticmq ignores the rate and moves all at once, so there is nothing to cancel")
		}
		queueURL, d := newDeadLetters(t, endpoint, mixed())
		m := &moveTask{deadLetterQueue: d, out: &term.Printer{Out: io.Discard}, rate: 1}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.run(ctx); err == nil || !strings.HasPrefix(err.Error(), "cancelled: moved ") {
			t.Errorf("error is %v", err)
		}
		moved, _ := counted(t, queueURL)
		if left, _ := counted(t, d.URL); moved+left != 5 || left == 0 {
			t.Errorf("%d were moved and %d are left", moved, left)
		}
	})
}

func TestDLQRedriveIsWatchedThroughAnOutage(t *testing.T) {
	srv := awstest.StartLocal(t)
	_, d := newDeadLetters(t, srv.URL(), mixed())
	var output bytes.Buffer
	m := &moveTask{deadLetterQueue: d, out: &term.Printer{Out: &output}}
	srv.Inject(sqslocal.Fault{Action: "ListMessageMoveTasks", Code: "AccessDenied", Count: 2})
	if err := m.run(t.Context()); err != nil || !strings.Contains(output.String(), "moved 5 messages\n") {
		t.Errorf("printed %q (%v)", output.String(), err)
	}
}

// serverName returns the name of the server that OnEveryServer runs the test on.
func serverName(t *testing.T) string { return t.Name()[strings.LastIndex(t.Name(), "/")+1:] }

// A body that is not UTF-8 is exported byte by byte.
func TestDLQExportKeepsBodiesThatAreNotUTF8(t *testing.T) {
	body := string([]byte{0xff, 0xfe, 0})
	e := exportfile.Of(&types.Message{Body: &body, MessageAttributes: map[string]types.MessageAttributeValue{
		sqscall.SignatureAttribute: {DataType: aws.String("Binary"), BinaryValue: []byte{1}},
	}})
	text, err := json.Marshal(e)
	awstest.Fatal(t, err)
	var back exportfile.Message
	awstest.Fatal(t, json.Unmarshal(text, &back))
	if m, err := back.Outgoing(); err != nil || string(m.Body) != body || m.Signature != "" {
		t.Errorf("%s becomes %+v (%v)", text, m, err)
	}
}

// A body must not send commands to a terminal.
func TestDLQExportEscapesControlCharacters(t *testing.T) {
	body := "{\"id\":\"\u009b31m\"}"
	var out bytes.Buffer
	awstest.Fatal(t, writeLine(&out, &deadletter.Message{Message: types.Message{Body: &body}}))
	if strings.Contains(out.String(), "\u009b") {
		t.Errorf("written as %q", out.String())
	}
	var back exportfile.Message
	awstest.Fatal(t, json.Unmarshal(out.Bytes(), &back))
	if back.Body != body {
		t.Errorf("read as %q", back.Body)
	}
}

func TestDLQMessageIsNotValidWithoutKeys(t *testing.T) {
	body := "{}"
	if v := deadletter.Inspect(new(signature.Keyring), &types.Message{Body: &body}); v.Result == deadletter.Valid {
		t.Errorf("with an empty keyring the verdict is %v", v)
	}
}

// If messages come back as fast as they are moved, the task never ends. The command must
// warn once, after it has cleared the bar.
func TestDLQProgressWarnsOnceOfMoreThanAll(t *testing.T) {
	var out bytes.Buffer
	p := &progress{Progress: &term.Progress{Printer: &term.Printer{Out: &out}, Terminal: true}}
	for moved, warned := range []bool{false, false, false, true, true} {
		p.show(&types.ListMessageMoveTasksResultEntry{ApproximateNumberOfMessagesMoved: int64(moved), ApproximateNumberOfMessagesToMove: aws.Int64(2)})
		if p.warned != warned {
			t.Errorf("with %d of 2 moved, warned is %v", moved, p.warned)
		}
	}
	if n := strings.Count(out.String(), "\r\x1b[K"); n != 1 {
		t.Errorf("the bar is cleared %d times, want once: %q", n, out.String())
	}
}
