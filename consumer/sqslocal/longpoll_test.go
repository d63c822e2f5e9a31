package sqslocal_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
)

func TestLongPollWakesWhenAMessageIsSent(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		defer later(7*time.Second, func() { f.send("a") })()
		start := time.Now()
		f.wantBodies(f.receive(20), "a")
		took(t, start, 7*time.Second)
	})
}

func TestLongPollWakesWhenADelayEnds(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		defer later(2*time.Second, func() {
			_, err := f.client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &f.url, MessageBody: aws.String("a"), DelaySeconds: 9})
			wantNil(t, err)
			f.wantDepth(sqslocal.Depth{Delayed: 1})
		})()
		start := time.Now()
		f.wantBodies(f.receive(20), "a")
		took(t, start, 11*time.Second)
	})
}

func TestLongPollIsEmptyWhenItsTimeIsUp(t *testing.T) {
	bubble(t, attrs{"ReceiveMessageWaitTimeSeconds": "3"}, func(t *testing.T, f *fixture) {
		start := time.Now()
		f.wantBodies(f.receive(20))
		took(t, start, 20*time.Second)
		start = time.Now()
		f.wantBodies(f.receive(0)) // the SDK leaves out a wait of 0, so the queue's applies
		took(t, start, 3*time.Second)
	})
}

func TestDisconnectedClientReceivesNoMessage(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &f.url, WaitTimeSeconds: 20})
		if err == nil {
			t.Fatal("the receive should have been cut short")
		}
		synctest.Wait() // until the server has seen the connection close
		f.send("a")
		synctest.Wait() // until every waiting goroutine has run
		f.wantDepth(sqslocal.Depth{Visible: 1})
	})
}

func TestWaitingReceivesAreServedInTurn(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		var mu sync.Mutex
		var order []string
		var pollers sync.WaitGroup
		for i := range 5 {
			pollers.Go(func() {
				m := f.receive(20)
				mu.Lock()
				defer mu.Unlock()
				order = append(order, fmt.Sprint(i, bodies(m)))
			})
			time.Sleep(10 * time.Millisecond)
		}
		for i := range 5 {
			f.send(fmt.Sprint(i))
			time.Sleep(10 * time.Millisecond)
		}
		pollers.Wait()
		if got, want := fmt.Sprint(order), "[0 [0] 1 [1] 2 [2] 3 [3] 4 [4]]"; got != want {
			t.Errorf("served %s, want %s", got, want)
		}
	})
}

func TestOneSendServesAsManyReceivesAsItCan(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		in := &sqs.SendMessageBatchInput{QueueUrl: &f.url}
		for i := range 10 {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: aws.String("a")})
		}
		start := time.Now()
		var pollers sync.WaitGroup
		for range 10 {
			pollers.Go(func() {
				out, err := f.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &f.url, WaitTimeSeconds: 20})
				if err != nil || len(out.Messages) != 1 {
					t.Errorf("received %+v (%v), want one message", out, err)
				}
			})
		}
		time.Sleep(time.Second)
		_, err := f.client.SendMessageBatch(t.Context(), in)
		wantNil(t, err)
		pollers.Wait()
		took(t, start, time.Second)
	})
}

// Real goroutines on real processors, for the race detector and against wake-ups lost between them.
func TestNothingIsLostOrDoubledUnderLoad(t *testing.T) {
	srv := sqslocal.New(sqslocal.Options{})
	wantNil(t, srv.Start(""))
	defer srv.Close()
	url, err := srv.CreateQueue("calls", nil)
	wantNil(t, err)
	client := srv.Client()
	const messages = 500
	var seen sync.Map
	var left atomic.Int32
	left.Store(messages)
	ctx, done := context.WithCancel(t.Context())
	defer done()
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for ctx.Err() == nil {
				out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 3, WaitTimeSeconds: 20})
				if err != nil {
					continue
				}
				for _, m := range out.Messages {
					if _, twice := seen.LoadOrStore(*m.Body, true); twice {
						t.Errorf("%s was received twice", *m.Body)
					}
					if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
						t.Error(err)
					}
					if left.Add(-1) == 0 {
						done()
					}
				}
			}
		})
	}
	for i := range messages {
		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(fmt.Sprint(i))})
		wantNil(t, err)
	}
	workers.Wait()
	if d := srv.Depth("calls"); d != (sqslocal.Depth{}) {
		t.Errorf("depth is %+v, want nothing left", d)
	}
}

func TestDeletedQueueEndsItsLongPolls(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		defer later(time.Second, func() {
			_, err := f.client.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &f.url})
			wantNil(t, err)
		})()
		start := time.Now()
		_, err := f.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &f.url, WaitTimeSeconds: 20})
		wantError[*types.QueueDoesNotExist](t, err)
		took(t, start, time.Second)
	})
}

func TestCloseEndsLongPolls(t *testing.T) {
	bubble(t, nil, func(t *testing.T, f *fixture) {
		defer later(time.Second, func() { f.srv.Close() })()
		start := time.Now()
		_, err := f.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &f.url, WaitTimeSeconds: 20})
		if err == nil {
			t.Error("a receive from a closed server should fail")
		}
		took(t, start, time.Second)
	})
}
