package fleet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/signature"
)

const secret = "a secret"

// A shape is what all workers of a fleet have in common.
type shape struct {
	concurrency int
	handlerTime time.Duration // on average
}

func (s shape) speed() float64 { return speed(s.concurrency, s.handlerTime) }

// A fleet is a queue with workers, in a synctest bubble.
type fleet struct {
	t      *testing.T
	shape  shape
	srv    *sqslocal.Server
	client *sqs.Client
	url    string
	keys   *signature.Keyring
	ledger ledger

	running, stopped []*worker

	mu     sync.Mutex
	random *rand.Rand
}

// newFleet returns a fleet without workers. Calls of SQS take a round trip.
func newFleet(t *testing.T, s shape) *fleet {
	t.Helper()
	f := &fleet{t: t, shape: s, srv: sqslocal.New(sqslocal.Options{Latency: roundTrip}), random: rand.New(rand.NewPCG(1, 1))}
	f.srv.StartPipe()
	f.client = f.srv.Client()
	var err error
	if f.url, err = f.srv.CreateQueue("calls", nil); err != nil {
		t.Fatal(err)
	}
	if f.keys, err = signature.NewKeyring(signature.Key{Secret: secret}); err != nil {
		t.Fatal(err)
	}
	return f
}

// draw returns a random number, evenly distributed from 0 to 1.
func (f *fleet) draw() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.Float64()
}

// handlerTime returns how long the next handler takes: half as long to one and a half times
// as long as on average.
func (f *fleet) handlerTime() time.Duration {
	return time.Duration((0.5 + f.draw()) * float64(f.shape.handlerTime))
}

// pause returns a random time until the next event.
func (f *fleet) pause(rate float64) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Duration(f.random.ExpFloat64() / rate * float64(time.Second))
}

// send sends n events, up to ten in a call.
func (f *fleet) send(n int) {
	f.t.Helper()
	for sent := 0; sent < n; {
		in := &sqs.SendMessageBatchInput{QueueUrl: &f.url}
		for ; len(in.Entries) < perCall && sent < n; sent++ {
			number := f.ledger.sent()
			body := fmt.Sprintf(`{"id":"%d","type":"call:end","time":1693389853611,"integrationId":"8qkmnq"}`, number)
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(number)), MessageBody: &body,
				MessageAttributes: map[string]types.MessageAttributeValue{
					"X-SIGNATURE": {DataType: aws.String("String"), StringValue: aws.String(signature.Sign(secret, []byte(body)))},
				},
			})
		}
		if _, err := f.client.SendMessageBatch(context.Background(), in); err != nil {
			f.t.Error(err)
			return
		}
	}
}

// trickle sends events one by one, at random times and that many a second on average.
func (f *fleet) trickle(rate float64, lasting time.Duration) {
	f.t.Helper()
	end := time.Now().Add(lasting)
	var sending sync.WaitGroup
	defer sending.Wait()
	for pause := f.pause(rate); time.Until(end) > pause; pause = f.pause(rate) {
		time.Sleep(pause)
		sending.Go(func() { f.send(1) })
	}
	time.Sleep(time.Until(end))
}

// start starts n workers.
func (f *fleet) start(n int) {
	for range n {
		f.running = append(f.running, f.startWorker())
	}
}

// remove stops the n oldest workers, or kills them. It does not wait for them.
func (f *fleet) remove(n int, kill bool) {
	for _, w := range f.running[:n] {
		if kill {
			w.kill()
		}
		w.stop()
	}
	f.stopped = append(f.stopped, f.running[:n]...)
	f.running = f.running[n:]
}

// close stops all workers and the server.
func (f *fleet) close() {
	f.t.Helper()
	f.remove(len(f.running), false)
	for _, w := range f.stopped {
		<-w.ended
		if w.err != nil && w.life.Err() == nil {
			f.t.Errorf("a worker stopped with %v", w.err)
		}
		w.kill()
	}
	if err := f.srv.Close(); err != nil {
		f.t.Error(err)
	}
}

// calls are the calls of SQS so far.
type calls struct{ receives, deletes, changes int }

func (f *fleet) calls() calls {
	return calls{f.srv.Calls("ReceiveMessage"), f.srv.Calls("DeleteMessageBatch"), f.srv.Calls("ChangeMessageVisibilityBatch")}
}

func (c calls) since(before calls) calls {
	return calls{c.receives - before.receives, c.deletes - before.deletes, c.changes - before.changes}
}
