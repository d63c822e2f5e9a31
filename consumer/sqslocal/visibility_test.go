package sqslocal_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
)

func TestReceivedMessageIsHiddenForItsVisibilityTimeout(t *testing.T) {
	bubble(t, attrs{"VisibilityTimeout": "60"}, func(t *testing.T, f *fixture) {
		f.send("a")
		first := f.receiveOne()
		f.wantDepth(sqslocal.Depth{InFlight: 1})
		time.Sleep(59 * time.Second)
		f.wantBodies(f.receive(0))
		time.Sleep(time.Second)
		f.wantDepth(sqslocal.Depth{Visible: 1})
		second := f.receiveOne()
		if *first.MessageId != *second.MessageId || *first.ReceiptHandle == *second.ReceiptHandle {
			t.Error("a second receive must give the same message with another handle")
		}
		if n := second.Attributes["ApproximateReceiveCount"]; n != "2" {
			t.Errorf("receive count is %s, want 2", n)
		}
	})
}

func TestReceiveCanSetTheVisibilityTimeout(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a")
		_, err := f.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &f.url, VisibilityTimeout: 5})
		wantNil(t, err)
		start := time.Now()
		f.wantBodies(f.receive(20), "a")
		took(t, start, 5*time.Second-time.Millisecond)
	})
}

func TestDeletedMessageIsGone(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a")
		m := f.receiveOne()
		wantNil(t, f.delete(m))
		wantNil(t, f.delete(m)) // again
		f.wantDepth(sqslocal.Depth{})
		time.Sleep(time.Hour)
		f.wantBodies(f.receive(0))
	})
}

func TestOldHandleDeletesNothing(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a")
		first := f.receiveOne()
		time.Sleep(30 * time.Second)
		second := f.receiveOne()
		wantNil(t, f.delete(first))
		f.wantDepth(sqslocal.Depth{InFlight: 1})
		wantNil(t, f.delete(second))
		f.wantDepth(sqslocal.Depth{})
	})
}

func TestExpiredHandleStillDeletesUntilReceivedAgain(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a")
		m := f.receiveOne()
		time.Sleep(time.Minute)
		wantNil(t, f.delete(m))
		f.wantDepth(sqslocal.Depth{})
	})
}

func TestHandlesOfOthersAreInvalid(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a")
		m := f.receiveOne()
		other := f.create("other", nil)
		_, err := f.client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &other, ReceiptHandle: m.ReceiptHandle})
		wantError[*types.ReceiptHandleIsInvalid](t, err)
		for _, handle := range []string{"?", "AAAA", *m.ReceiptHandle + "AAAA"} {
			wantError[*types.ReceiptHandleIsInvalid](t, f.delete(types.Message{ReceiptHandle: &handle}))
			wantError[*types.ReceiptHandleIsInvalid](t, f.hide(types.Message{ReceiptHandle: &handle}, 1))
		}
	})
}

func TestVisibilityIsExtendedFromNow(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a")
		m := f.receiveOne()
		time.Sleep(20 * time.Second)
		wantNil(t, f.hide(m, 60))
		start := time.Now()
		time.Sleep(50 * time.Second)
		f.wantBodies(f.receive(20), "a")
		took(t, start, 60*time.Second-time.Millisecond)
	})
}

func TestVisibilityTimeoutOfZeroReturnsTheMessageAtOnce(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a")
		m := f.receiveOne()
		defer later(3*time.Second, func() { wantNil(t, f.hide(m, 0)) })()
		start := time.Now()
		f.wantBodies(f.receive(20), "a")
		took(t, start, 3*time.Second)
	})
}

func TestVisibilityOfMessageNotInFlight(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a")
		m := f.receiveOne()
		time.Sleep(30 * time.Second)
		wantError[*types.MessageNotInflight](t, f.hide(m, 10))
		again := f.receiveOne()
		wantCode(t, f.hide(m, 10), "InvalidParameterValue") // an old handle
		wantNil(t, f.delete(again))
		wantCode(t, f.hide(again, 10), "InvalidParameterValue")
	})
}

func TestVisibilityEndsTwelveHoursAfterTheReceive(t *testing.T) {
	bubble(t, attrs{"VisibilityTimeout": "43200"}, func(t *testing.T, f *fixture) {
		f.send("a")
		m := f.receiveOne()
		time.Sleep(time.Hour)
		wantNil(t, f.hide(m, 11*3600-1))
		wantCode(t, f.hide(m, 11*3600+1), "InvalidParameterValue")
		wantCode(t, f.hide(m, 43201), "InvalidParameterValue")
		f.wantDepth(sqslocal.Depth{InFlight: 1})
	})
}

func TestBatchesFailEntryByEntry(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		f.send("a", "b")
		m := f.receive(0)
		wantNil(t, f.hide(m[0], 0))
		changed, err := f.client.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{
			QueueUrl: &f.url,
			Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
				{Id: aws.String("visible"), ReceiptHandle: m[0].ReceiptHandle, VisibilityTimeout: 9},
				{Id: aws.String("fine"), ReceiptHandle: m[1].ReceiptHandle, VisibilityTimeout: 9},
				{Id: aws.String("garbage"), ReceiptHandle: aws.String("garbage"), VisibilityTimeout: 9},
				{Id: aws.String("long"), ReceiptHandle: m[1].ReceiptHandle, VisibilityTimeout: 43201},
			},
		})
		wantNil(t, err)
		if len(changed.Successful) != 1 || *changed.Successful[0].Id != "fine" {
			t.Errorf("successful: %+v", changed.Successful)
		}
		wantFailed(t, changed.Failed, "visible MessageNotInflight", "garbage ReceiptHandleIsInvalid", "long InvalidParameterValue")

		deleted, err := f.client.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{
			QueueUrl: &f.url,
			Entries: []types.DeleteMessageBatchRequestEntry{
				{Id: aws.String("1"), ReceiptHandle: aws.String("garbage")},
				{Id: aws.String("2"), ReceiptHandle: m[1].ReceiptHandle},
			},
		})
		wantNil(t, err)
		if len(deleted.Successful) != 1 || *deleted.Successful[0].Id != "2" {
			t.Errorf("successful: %+v", deleted.Successful)
		}
		wantFailed(t, deleted.Failed, "1 ReceiptHandleIsInvalid")
		f.wantDepth(sqslocal.Depth{Visible: 1})
	})
}

// wantFailed expects failed entries, each given as its id and code.
func wantFailed(t testing.TB, got []types.BatchResultErrorEntry, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d entries failed, want %d", len(got), len(want))
		return
	}
	for i, e := range got {
		if *e.Id+" "+*e.Code != want[i] || *e.Message == "" || !e.SenderFault {
			t.Errorf("entry %s failed with %s (%s), want %s", *e.Id, *e.Code, *e.Message, want[i])
		}
	}
}
