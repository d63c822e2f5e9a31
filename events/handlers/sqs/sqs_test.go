package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/events/handlers/internal/awsbatch/awsbatchtest"
	"wildix-worker/events/handlers/sqs"
	"wildix-worker/signature"
)

// A queue is a queue of an embedded server.
type queue struct {
	*sqslocal.Server
	url string
}

// newQueue starts a server within a bubble, and makes a queue.
func newQueue(t *testing.T, name string) queue {
	t.Helper()
	srv := sqslocal.New(sqslocal.Options{})
	srv.StartPipe()
	t.Cleanup(func() { srv.Close() })
	attributes := map[string]string{}
	if strings.HasSuffix(name, ".fifo") {
		attributes["FifoQueue"] = "true"
	}
	queueURL, err := srv.CreateQueue(name, attributes)
	if err != nil {
		t.Fatal(err)
	}
	return queue{srv, queueURL}
}

func (q queue) handler(t *testing.T, change ...func(*sqs.Config)) *sqs.Handler {
	t.Helper()
	cfg := sqs.Config{Client: q.Client(), QueueURL: q.url}
	for _, f := range change {
		f(&cfg)
	}
	h, err := sqs.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// receive returns all messages of the queue.
func (q queue) receive(t *testing.T) (all []types.Message) {
	t.Helper()
	for {
		out, err := q.Client().ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
			QueueUrl: &q.url, MaxNumberOfMessages: 10, VisibilityTimeout: 3600,
			MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return all
		}
		all = append(all, out.Messages...)
	}
}

func TestMessageIsTheSignedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, "crm")
		e := awsbatchtest.Event(t, 1)
		if err := q.handler(t).HandleEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		got := q.receive(t)
		if len(got) != 1 || *got[0].Body != string(e.Raw) {
			t.Fatalf("got %d messages", len(got))
		}
		attributes := got[0].MessageAttributes
		if sig := aws.ToString(attributes["X-SIGNATURE"].StringValue); sig != signature.Sign(awsbatchtest.Secret, e.Raw) {
			t.Errorf("signature %s", sig)
		}
		if kind := aws.ToString(attributes["X-Wildix-Event"].StringValue); kind != "call:end" {
			t.Errorf("type %s", kind)
		}
	})
}

func TestSecretSignsEventsThatThePBXHasNotSigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, "crm")
		e := awsbatchtest.Event(t, 1)
		e.Signature, e.Type = "", "call\nfinished" // not printable
		for _, own := range []string{"", "own-secret"} {
			h := q.handler(t, func(cfg *sqs.Config) { cfg.Secret = own })
			if err := h.HandleEvent(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		got := q.receive(t)
		if len(got) != 2 || len(got[0].MessageAttributes) != 0 {
			t.Fatalf("got %v", got)
		}
		if sig := aws.ToString(got[1].MessageAttributes["X-SIGNATURE"].StringValue); sig != signature.Sign("own-secret", e.Raw) {
			t.Errorf("signature %s", sig)
		}
	})
}

func TestEventsShareCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, "crm.fifo")
		var list []*events.Event
		for i := range 31 {
			list = append(list, awsbatchtest.Event(t, i/2))
		}
		q.Inject(sqslocal.Fault{Action: "SendMessageBatch", Delay: time.Second})
		for i, err := range awsbatchtest.HandleAll(t, q.handler(t), list) {
			if err != nil {
				t.Errorf("event %d: %v", i, err)
			}
		}
		if calls := q.Calls("SendMessageBatch"); calls != 4 {
			t.Errorf("%d calls for 1 + 3 * 10 events", calls)
		}
		got := q.receive(t)
		if len(got) != 16 {
			t.Fatalf("%d messages, want each event once", len(got))
		}
		for i, m := range got { // the groups are in order of their first message
			if group := m.Attributes["MessageGroupId"]; group != fmt.Sprint("call-", i) || m.Attributes["MessageDeduplicationId"] != list[2*i].DeliveryKey() {
				t.Errorf("message %d: %v", i, m.Attributes)
			}
		}
	})
}

func TestGroupOfAnUnusualIDIsItsDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, "crm.fifo")
		e := awsbatchtest.Event(t, 1)
		e.ID = "Anrufe für Süd"
		if err := q.handler(t).HandleEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if got := q.receive(t)[0].Attributes["MessageGroupId"]; got != signature.Digest([]byte(e.ID)) {
			t.Errorf("group %s", got)
		}
	})
}

// The entries 0 and 1 of a call of nine fail.
func TestEachEventHasItsOwnResult(t *testing.T) {
	for name, test := range map[string]struct {
		fault sqslocal.Fault
		kind  awsbatchtest.Kind
		text  string
	}{
		"internal":   {sqslocal.Fault{}, awsbatchtest.Retry, "InternalFailure"},
		"throttled":  {sqslocal.Fault{Code: "RequestThrottled"}, awsbatchtest.Unavailable, "RequestThrottled"},
		"too long":   {sqslocal.Fault{Code: "MessageTooLong"}, awsbatchtest.Permanent, "MessageTooLong"},
		"characters": {sqslocal.Fault{Code: "InvalidMessageContents"}, awsbatchtest.Permanent, "InvalidMessageContents"},
		"KMS":        {sqslocal.Fault{Code: "KmsDisabled"}, awsbatchtest.Retry, "check the KMS key"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(t, "crm")
				q.Inject(sqslocal.Fault{Action: "SendMessageBatch", Count: 1, Delay: time.Second})
				fault := test.fault
				fault.Action, fault.FailEntries = "SendMessageBatch", 2
				q.Inject(fault)
				for i, err := range awsbatchtest.HandleAll(t, q.handler(t), awsbatchtest.Events(t, 10)) {
					if failed := i == 1 || i == 2; (err != nil) != failed {
						t.Errorf("event %d: %v", i, err)
					} else if failed {
						wantKind(t, err, test.kind, test.text)
					}
				}
				if got := q.receive(t); len(got) != 8 {
					t.Errorf("%d messages", len(got))
				}
			})
		})
	}
}

func wantKind(t *testing.T, err error, kind awsbatchtest.Kind, text string) {
	t.Helper()
	awsbatchtest.WantKind(t, err, kind, "SQS queue crm", text)
}

func TestFailureOfACallIsThatOfEachEvent(t *testing.T) {
	for name, test := range map[string]struct {
		fault sqslocal.Fault
		kind  awsbatchtest.Kind
		text  string
	}{
		"throttled":       {sqslocal.Fault{Code: "ThrottlingException"}, awsbatchtest.Unavailable, "ThrottlingException"},
		"denied":          {sqslocal.Fault{Code: "AccessDeniedException", Status: 403}, awsbatchtest.Retry, "allow sqs:SendMessage"},
		"missing":         {sqslocal.Fault{Code: "QueueDoesNotExist"}, awsbatchtest.Retry, "check its name"},
		"expired":         {sqslocal.Fault{Code: "ExpiredTokenException"}, awsbatchtest.Retry, "check the AWS credentials"},
		"server":          {sqslocal.Fault{Status: 503, Code: "ServiceUnavailable"}, awsbatchtest.Retry, "ServiceUnavailable"},
		"closed":          {sqslocal.Fault{DropBefore: true}, awsbatchtest.Retry, "no response: EOF"},
		"slow":            {sqslocal.Fault{Hang: true}, awsbatchtest.Retry, "no response in time"},
		"invalid request": {sqslocal.Fault{Code: "InvalidParameterValue"}, awsbatchtest.Retry, "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(t, "crm")
				fault := test.fault
				fault.Action = "SendMessageBatch"
				q.Inject(fault)
				for _, err := range awsbatchtest.HandleAll(t, q.handler(t), []*events.Event{awsbatchtest.Event(t, 1), awsbatchtest.Event(t, 2), awsbatchtest.Event(t, 3)}) {
					wantKind(t, err, test.kind, test.text)
				}
			})
		})
	}
}

// SQS refuses a call of several entries as a whole. Each is sent again alone, and the one
// that is refused then is the cause.
func TestOneEventDoesNotFailTheOthersOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, "crm")
		q.Inject(sqslocal.Fault{Action: "SendMessageBatch", Count: 1, Delay: time.Second})
		q.Inject(sqslocal.Fault{Action: "SendMessageBatch", Count: 1, Code: "InvalidMessageContents", Status: 400}) // of 1, 2, 3
		q.Inject(sqslocal.Fault{Action: "SendMessageBatch", Count: 1, Code: "InvalidMessageContents", Status: 400}) // of 1
		got := awsbatchtest.HandleAll(t, q.handler(t), []*events.Event{awsbatchtest.Event(t, 0), awsbatchtest.Event(t, 1), awsbatchtest.Event(t, 2), awsbatchtest.Event(t, 3)})
		if got[0] != nil || !events.IsPermanent(got[1]) || got[2] != nil || got[3] != nil {
			t.Errorf("results %v", got)
		}
		if messages := q.receive(t); len(messages) != 3 {
			t.Errorf("%d messages", len(messages))
		}
	})
}

func TestEventThatSQSCanNotTakeIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, "crm")
		h := q.handler(t)
		large, invalid := *awsbatchtest.Event(t, 1), *awsbatchtest.Event(t, 2)
		large.Raw = make([]byte, 1<<20)
		invalid.Raw = []byte("{\"id\":\"\uffff\"}")
		wantKind(t, h.HandleEvent(t.Context(), &large), awsbatchtest.Permanent, "more than the 1048576")
		wantKind(t, h.HandleEvent(t.Context(), &invalid), awsbatchtest.Permanent, "U+FFFF")
		if calls := q.Calls("SendMessageBatch"); calls != 0 {
			t.Errorf("%d calls", calls)
		}
	})
}

func TestHandlerReturnsWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, "crm")
		q.Inject(sqslocal.Fault{Hang: true})
		lost := errors.New("lease lost")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(lost) })
		begin := time.Now()
		err := q.handler(t).HandleEvent(ctx, awsbatchtest.Event(t, 1))
		if !errors.Is(err, lost) || time.Since(begin) != time.Second {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
	})
}

func TestCheckSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, "crm")
		h := q.handler(t, func(cfg *sqs.Config) { cfg.Timeout = time.Second })
		if err := h.Check(t.Context()); err != nil {
			t.Error(err)
		}
		remove := q.Inject(sqslocal.Fault{Code: "AccessDeniedException"})
		refused := h.Check(t.Context())
		wantKind(t, refused, awsbatchtest.Retry, "allow sqs:GetQueueAttributes")
		wantKind(t, refused, awsbatchtest.Retry, "(AWS says: ")
		if api, ok := errors.AsType[smithy.APIError](refused); !ok || api.ErrorCode() != "AccessDeniedException" {
			t.Errorf("%v is not the answer of SQS", refused)
		}
		remove()
		remove = q.Inject(sqslocal.Fault{Hang: true})
		wantKind(t, h.Check(t.Context()), awsbatchtest.Retry, "no response in time")
		remove()
		missing := q.handler(t, func(cfg *sqs.Config) { cfg.QueueURL += "-old" })
		if err := missing.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "SQS queue crm-old: AWS.SimpleQueueService.NonExistentQueue: it does not exist; check its name") {
			t.Errorf("%v", err)
		}
		if got := q.receive(t); len(got) != 0 {
			t.Errorf("%d messages", len(got))
		}
	})
}

func TestValidateNamesEachField(t *testing.T) {
	_, err := sqs.New(sqs.Config{QueueURL: "arn:aws:sqs:eu-central-1:123456789012:crm", Timeout: -1})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"Client: required", "QueueURL: ", "is the queue's ARN", "Timeout: -1ns is negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q has no %q", err, want)
		}
	}
	if _, ok := errors.AsType[*events.FieldError](err); !ok {
		t.Errorf("%T", err)
	}
}

func TestReplayIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, e := newQueue(t, "crm"), awsbatchtest.Event(t, 1)
		e.Replay = true
		if err := q.handler(t).HandleEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		got := q.receive(t)
		if len(got) != 1 || aws.ToString(got[0].MessageAttributes["X-Wildix-Replay"].StringValue) != "true" || *got[0].Body != string(e.Raw) {
			t.Errorf("got %v", got)
		}
	})
}
