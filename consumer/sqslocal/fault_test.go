package sqslocal_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
)

func (f *fixture) trySend(body string) error {
	_, err := f.client.SendMessage(f.Context(), &sqs.SendMessageInput{QueueUrl: &f.url, MessageBody: &body})
	return err
}

func TestFaultRefusesSoManyRequests(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.srv.Inject(sqslocal.Fault{Action: "SendMessage", Count: 1, Status: 503, Code: "ServiceUnavailable"})
		f.srv.Inject(sqslocal.Fault{Action: "SendMessage", Count: 1, Code: "RequestThrottled", Message: "slow down"})
		f.srv.Inject(sqslocal.Fault{Action: "SendMessage", Count: 1, Code: "AccessDeniedException"})
		f.srv.Inject(sqslocal.Fault{Action: "SendMessage", Count: 1, Status: 500})
		f.wantBodies(f.receive(0)) // another action
		wantCode(t, f.trySend("a"), "ServiceUnavailable")
		wantError[*types.RequestThrottled](t, f.trySend("a"))
		wantCode(t, f.trySend("a"), "AccessDeniedException")
		wantCode(t, f.trySend("a"), "InternalFailure")
		f.wantDepth(sqslocal.Depth{})
		wantNil(t, f.trySend("a"))
		if n, all := f.srv.Calls("SendMessage"), f.srv.Calls(""); n != 5 || all != 6 {
			t.Errorf("%d calls of SendMessage, %d of all actions; want 5 and 6", n, all)
		}
	})
}

func TestFaultOfOneQueueUntilRemoved(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		other := f.create("other", nil)
		remove := f.srv.Inject(sqslocal.Fault{Queue: "calls", Code: "ThrottlingException"})
		f.wantBodies(f.receiveFrom(other, 0))
		for range 3 {
			wantCode(t, f.trySend("a"), "ThrottlingException")
		}
		remove()
		wantNil(t, f.trySend("a"))
	})
}

func TestFaultByChanceIsReproducible(t *testing.T) {
	var runs [2]string
	for i := range runs {
		bubble(t, nil, func(t *testing.T, f *fixture) {
			f.srv.Inject(sqslocal.Fault{Status: 500, Chance: 0.5})
			failed := 0
			for range 100 {
				if f.trySend("a") != nil {
					failed++
				}
			}
			runs[i] = fmt.Sprint(failed)
			if failed < 30 || failed > 70 {
				t.Errorf("%d of 100 requests failed, want about a half", failed)
			}
		})
	}
	if runs[0] != runs[1] {
		t.Errorf("the same seed made %s and %s requests fail", runs[0], runs[1])
	}
}

func TestDelayedAnswer(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.srv.Inject(sqslocal.Fault{Delay: 5 * time.Second, Count: 1})
		start := time.Now()
		wantNil(t, f.trySend("a"))
		took(t, start, 5*time.Second)
	})
}

func TestHungRequestEndsWithTheClient(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.srv.Inject(sqslocal.Fault{Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		if _, err := f.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("calls")}); err == nil {
			t.Error("a hung request should not succeed")
		}
		took(t, start, time.Hour)

		defer later(time.Minute, func() { f.srv.Close() })() // or with the server
		if f.trySend("a") == nil {
			t.Error("a hung request should not succeed")
		}
	})
}

func TestDroppedConnections(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.srv.Inject(sqslocal.Fault{DropBefore: true, Count: 1})
		if f.trySend("a") == nil {
			t.Error("there should be no answer")
		}
		f.wantDepth(sqslocal.Depth{})
		f.srv.Inject(sqslocal.Fault{DropAfter: true, Count: 1})
		if f.trySend("a") == nil {
			t.Error("there should be no answer")
		}
		f.wantDepth(sqslocal.Depth{Visible: 1})

		f.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", DropAfter: true, Count: 1})
		out, err := f.srv.Client().ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &f.url}) // retries
		wantNil(t, err)
		f.wantBodies(out.Messages) // the lost answer took the message along
		f.wantDepth(sqslocal.Depth{InFlight: 1})
	})
}

func TestInjectedFaultFailsBatchEntries(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a", "b", "c")
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &f.url}
		for _, m := range f.receive(0) {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: m.Body, ReceiptHandle: m.ReceiptHandle})
		}
		f.srv.Inject(sqslocal.Fault{FailEntries: 2, Count: 1})
		out, err := f.client.DeleteMessageBatch(t.Context(), in)
		wantNil(t, err)
		if len(out.Successful) != 1 || len(out.Failed) != 2 || *out.Failed[1].Id != "b" || *out.Failed[1].Code != "InternalFailure" || out.Failed[1].SenderFault {
			t.Errorf("result is %+v", out)
		}
		f.wantDepth(sqslocal.Depth{InFlight: 2})

		f.srv.Inject(sqslocal.Fault{EntryChance: 1, Code: "RequestThrottled", Count: 1})
		out, err = f.client.DeleteMessageBatch(t.Context(), in)
		wantNil(t, err)
		wantFailed(t, out.Failed, "a RequestThrottled", "b RequestThrottled", "c RequestThrottled")
		f.wantDepth(sqslocal.Depth{InFlight: 2})
	})
}

func TestDuplicateIsDeliveredWithANewHandle(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Duplicate: true, Count: 1})
		f.send("a")
		first := f.receiveOne()
		wantNil(t, f.hide(first, 60)) // it is in flight
		f.wantDepth(sqslocal.Depth{Visible: 1, InFlight: 1})
		second := f.receiveOne()
		if *first.MessageId != *second.MessageId || *first.ReceiptHandle == *second.ReceiptHandle {
			t.Error("a duplicate is the same message with another handle")
		}
		wantNil(t, f.delete(first))
		f.wantDepth(sqslocal.Depth{InFlight: 1})
		wantNil(t, f.delete(second))
		f.wantDepth(sqslocal.Depth{})

		f.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Duplicate: true, Count: 1})
		f.send("b")
		wantNil(t, f.delete(f.receiveOne())) // before it is delivered again
		f.wantDepth(sqslocal.Depth{})

		f.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Duplicate: true, Count: 1})
		f.send("c")
		f.receiveOne()
		time.Sleep(30 * time.Second) // visible for both reasons, but still one message
		f.wantDepth(sqslocal.Depth{Visible: 1})
		f.receiveOne()
		f.wantDepth(sqslocal.Depth{InFlight: 1})
	})
}
