package sqslocal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer/sqslocal"
)

var fifo = attrs{"FifoQueue": "true", "ContentBasedDeduplication": "true"}

func TestFIFOKeepsTheOrderOfAGroup(t *testing.T) {
	bubble(t, fifo, func(t *testing.T, f *fixture) {
		f.sendGroup("x", "x1", "x2")
		f.sendGroup("y", "y1")
		f.sendGroup("x", "x3")
		got := f.receive(0)
		f.wantBodies(got, "x1", "x2", "x3", "y1")
		last := ""
		for _, m := range got[:3] {
			n := m.Attributes["SequenceNumber"]
			if len(n) != 20 || n <= last || m.Attributes["MessageGroupId"] != "x" || len(m.Attributes["MessageDeduplicationId"]) != 64 {
				t.Errorf("attributes %v after sequence number %s", m.Attributes, last)
			}
			last = n
		}
	})
}

func TestFIFOGroupWaitsForItsMessagesInFlight(t *testing.T) {
	bubble(t, fifo, func(t *testing.T, f *fixture) {
		f.sendGroup("x", "x1")
		x1 := f.receiveOne()
		f.sendGroup("x", "x2")
		f.sendGroup("y", "y1")
		f.wantBodies(f.receive(0), "y1")
		if got, want := f.srv.Depth("calls.fifo"), (sqslocal.Depth{Visible: 1, InFlight: 2}); got != want {
			t.Errorf("depth is %+v, want %+v", got, want)
		}
		defer later(2*time.Second, func() { wantNil(t, f.delete(x1)) })()
		start := time.Now()
		f.wantBodies(f.receive(20), "x2")
		took(t, start, 2*time.Second)
	})
}

func TestReturnedFIFOMessageKeepsItsPlace(t *testing.T) {
	bubble(t, fifo, func(t *testing.T, f *fixture) {
		f.sendGroup("x", "x1", "x2", "x3")
		got := f.receive(0)
		wantNil(t, f.hide(got[1], 0))
		wantNil(t, f.hide(got[0], 0))
		f.wantBodies(f.receive(0)) // x3 is still in flight
		time.Sleep(30 * time.Second)
		f.wantBodies(f.receive(0), "x1", "x2", "x3")
	})
}

func TestFIFOHandleExpires(t *testing.T) {
	bubble(t, fifo, func(t *testing.T, f *fixture) {
		f.sendGroup("x", "x1")
		m := f.receiveOne()
		time.Sleep(30 * time.Second)
		wantCode(t, f.delete(m), "InvalidParameterValue")
		again := f.receiveOne()
		wantCode(t, f.delete(m), "InvalidParameterValue")
		wantNil(t, f.delete(again))
		wantNil(t, f.delete(again))
	})
}

func TestFIFORepeatsAreAcceptedAndNotDelivered(t *testing.T) {
	bubble(t, fifo, func(t *testing.T, f *fixture) {
		send := func(body, id string) *sqs.SendMessageOutput {
			in := &sqs.SendMessageInput{QueueUrl: &f.url, MessageBody: &body, MessageGroupId: aws.String("x")}
			if id != "" {
				in.MessageDeduplicationId = &id
			}
			out, err := f.client.SendMessage(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		first := send("a", "")
		wantNil(t, f.delete(f.receiveOne())) // still recognized as a duplicate
		repeat := send("a", "")
		if *repeat.MessageId != *first.MessageId || *repeat.SequenceNumber != *first.SequenceNumber {
			t.Error("a repeat should be answered with the message it repeats")
		}
		f.wantBodies(f.receive(0))
		send("a", "1")
		send("b", "1")
		f.wantBodies(f.receive(0), "a")
		time.Sleep(5 * time.Minute)
		send("c", "1")
		f.wantBodies(f.receive(0), "a", "c")
	})
}

func TestFIFORules(t *testing.T) {
	bubble(t, attrs{"FifoQueue": "true"}, func(t *testing.T, f *fixture) {
		send := func(in sqs.SendMessageInput) error {
			in.QueueUrl, in.MessageBody = &f.url, aws.String("a")
			_, err := f.client.SendMessage(t.Context(), &in)
			return err
		}
		wantCode(t, send(sqs.SendMessageInput{MessageDeduplicationId: aws.String("1")}), "MissingParameter")
		wantCode(t, send(sqs.SendMessageInput{MessageGroupId: aws.String("x")}), "InvalidParameterValue")
		wantCode(t, send(sqs.SendMessageInput{MessageGroupId: aws.String("x y"), MessageDeduplicationId: aws.String("1")}), "InvalidParameterValue")
		wantCode(t, send(sqs.SendMessageInput{MessageGroupId: aws.String("x"), MessageDeduplicationId: aws.String("1"), DelaySeconds: 1}), "InvalidParameterValue")
		wantNil(t, send(sqs.SendMessageInput{MessageGroupId: aws.String("x"), MessageDeduplicationId: aws.String("1")}))

		for name, attributes := range map[string]attrs{"plain": {"FifoQueue": "true"}, "a.fifo": nil, "std": {"ContentBasedDeduplication": "true"}} {
			if _, err := f.srv.CreateQueue(name, attributes); err == nil || !strings.HasPrefix(err.Error(), "Invalid") {
				t.Errorf("queue %s with %v: %v", name, attributes, err)
			}
		}
	})
}
