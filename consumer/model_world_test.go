package consumer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer/sqslocal"
)

// world is what a script plays on: a queue, its dead-letter queue, and a worker that
// is started and stopped.
type world struct {
	*ledger
	script
	t       *testing.T
	srv     *sqslocal.Server
	client  *sqs.Client
	name    string
	url     string
	deadURL string
	badURL  string // the quarantine queue

	worker    *process // the current one
	processes []*process
	step      int // of the script, from 1
	repairs   []func()
}

func newWorld(t *testing.T, s script) *world {
	w := &world{script: s, t: t, ledger: newLedger(s.seed), name: queueName, srv: sqslocal.New(sqslocal.Options{Seed: s.seed})}
	w.srv.StartPipe()
	w.client = w.srv.Client(func(o *sqs.Options) { o.Retryer = aws.NopRetryer{} })
	attributes, dead := map[string]string{"MessageRetentionPeriod": "1209600"}, deadLetter
	if s.fifo {
		w.name, dead = fifoName, deadLetter+".fifo"
		attributes["FifoQueue"] = "true"
		attributes["ContentBasedDeduplication"] = "true"
	}
	w.deadURL = w.create(dead, attributes)
	w.badURL = w.create(quarantineQueue, map[string]string{"MessageRetentionPeriod": "1209600"})
	if w.redrives() {
		attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":"%d"}`, dead, s.receives)
	}
	w.url = w.create(w.name, attributes)
	return w
}

func (w *world) create(name string, attributes map[string]string) string {
	url, err := w.srv.CreateQueue(name, attributes)
	if err != nil {
		w.t.Fatal(err)
	}
	return url
}

func (w *world) redrives() bool { return w.receives > 0 }

// close ends everything, so that the bubble can end.
func (w *world) close() {
	for _, p := range w.processes {
		p.die()
	}
	for _, p := range w.processes {
		<-p.ended
	}
	w.srv.Close()
}

// repair ends all trouble.
func (w *world) repair() {
	for _, remove := range w.repairs {
		remove()
	}
	w.repairs = nil
	w.disturbNetwork(network{})
}

// disturb records that the worker will have trouble.
func (w *world) disturb() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.worker.disturbed = true
}

// check checks everything once all goroutines wait.
func (w *world) check() {
	synctest.Wait()
	w.worker.handledHaveOutcomes()
	w.worker.allGoOn()
	w.worker.circuitsAreTrue()
	w.worker.heldAreLimited()
	w.worker.allAreReceived()
	w.allAreThere(w.depth(w.url) + w.depth(w.deadURL))
}

// depth counts all that a queue holds.
func (w *world) depth(url string) int {
	d := w.srv.Depth(url[strings.LastIndexByte(url, '/')+1:])
	return d.Visible + d.InFlight + d.Delayed
}

// drain empties a queue and returns the bodies of what it held.
func (w *world) drain(url string) (bodies []string) {
	for w.depth(url) > 0 {
		out, err := w.client.ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			w.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			time.Sleep(time.Minute) // some are leased
		}
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body)
			if _, err := w.client.DeleteMessage(w.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return bodies
}

func (s send) play(w *world) {
	for i, p := range s {
		name := fmt.Sprintf("%d.%d", w.step, i+1)
		id := name
		if w.byCall {
			id = p.group
		}
		text, attributes := p.kind.make(id, name)
		w.sends(name, text, p)
		in := &sqs.SendMessageInput{QueueUrl: &w.url, MessageBody: &text, MessageAttributes: attributes}
		if w.fifo {
			in.MessageGroupId = &p.group
		}
		if _, err := w.client.SendMessage(w.t.Context(), in); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (s sleep) play(*world) { time.Sleep(time.Duration(s)) }

func (f trouble) play(w *world) {
	f.Queue = w.name
	if f.Action == "SendMessageBatch" {
		f.Queue = quarantineQueue
	}
	w.disturb()
	w.repairs = append(w.repairs, w.srv.Inject(f.Fault))
}

func (n network) play(w *world) {
	w.disturb()
	w.disturbNetwork(n)
}

func (repair) play(w *world) { w.repair() }

func (r restart) play(w *world) {
	if r.kill {
		w.worker.die()
	} else {
		w.worker.terminate()
	}
	time.Sleep(r.pause)
	w.start(w.settings)
}

func (r otherConsumer) play(w *world) {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
	defer cancel()
	out, err := w.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &w.url, MaxNumberOfMessages: 10, VisibilityTimeout: int32(r.lease / time.Second)})
	if err == nil {
		w.taken(out.Messages)
	}
}

func (expire) play(w *world) {
	for _, handle := range w.worker.rob() {
		// It fails for messages that are settled by now.
		w.client.ChangeMessageVisibility(w.t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &w.url, ReceiptHandle: &handle})
	}
}
