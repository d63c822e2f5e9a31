package metrics_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/consumer/metrics"
)

// queues answers with the attributes of queues by their URL.
type queues struct {
	attributes map[string]map[string]string
	err        error
	calls      int
}

func (q *queues) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	q.calls++
	if attributes, ok := q.attributes[*in.QueueUrl]; ok && q.err == nil {
		return &sqs.GetQueueAttributesOutput{Attributes: attributes}, nil
	}
	return nil, errors.Join(q.err, errors.New("AccessDenied"))
}

func twoQueues() *queues {
	return &queues{attributes: map[string]map[string]string{
		"http://sqs/1/calls": {
			"ApproximateNumberOfMessages": "7", "ApproximateNumberOfMessagesNotVisible": "3", "ApproximateNumberOfMessagesDelayed": "0",
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:calls-dlq","maxReceiveCount":10}`,
		},
		"http://sqs/1/calls-dlq": {"ApproximateNumberOfMessages": "1"},
	}}
}

func TestDepthsOfTheQueueAndItsDeadLetterQueueAreExported(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewDepths(metrics.DepthsConfig{Client: twoQueues(), QueueURL: "http://sqs/1/calls"}))
	err := testutil.GatherAndCompare(registry, strings.NewReader(`# HELP wildix_queue_messages Messages in a queue, as SQS counts them.
# TYPE wildix_queue_messages gauge
wildix_queue_messages{queue="dead_letter",state="visible"} 1
wildix_queue_messages{queue="main",state="delayed"} 0
wildix_queue_messages{queue="main",state="in_flight"} 3
wildix_queue_messages{queue="main",state="visible"} 7
`))
	if err != nil {
		t.Error(err)
	}
}

func TestDepthsThatMayNotBeReadAreOmitted(t *testing.T) {
	client := twoQueues()
	delete(client.attributes, "http://sqs/1/calls-dlq")
	depths := metrics.NewDepths(metrics.DepthsConfig{Client: client, QueueURL: "http://sqs/1/calls"}).Latest(t.Context())
	if len(depths) != 3 || slices.ContainsFunc(depths, func(d metrics.Depth) bool { return d.Queue != "main" }) {
		t.Errorf("%+v", depths)
	}
}

func TestDepthsAreReadAgainWhenTheyAreOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := twoQueues()
		d := metrics.NewDepths(metrics.DepthsConfig{Client: client, QueueURL: "http://sqs/1/calls"})
		for range 30 { // of a scrape a second
			d.Latest(t.Context())
			time.Sleep(time.Second)
		}
		if client.calls != 2 {
			t.Errorf("SQS was called %d times in 30 s, want 2: once for each queue", client.calls)
		}
		client.attributes["http://sqs/1/calls-dlq"]["ApproximateNumberOfMessages"] = "2"
		if got := d.Latest(t.Context()); got[len(got)-1].Messages != 2 {
			t.Errorf("%+v", got)
		}
	})
}

func TestDepthsLogTroubleOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		client := twoQueues()
		d := metrics.NewDepths(metrics.DepthsConfig{Client: client, QueueURL: "http://sqs/1/calls", Logger: zap.New(core)})
		ask := func(failing bool) {
			client.err = nil
			if failing {
				client.err = errors.New("no answer")
			}
			if got := d.Latest(t.Context()); failing != (got == nil) {
				t.Errorf("with failing=%v: %+v", failing, got)
			}
			time.Sleep(time.Minute)
		}
		ask(true)
		ask(true)
		ask(false)
		ask(true)
		if n := logs.FilterMessage("depth of the queue not known").Len(); n != 2 {
			t.Errorf("logged %d times, want 2", n)
		}
	})
}
