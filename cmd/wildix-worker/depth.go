package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/console"
)

const (
	// depthAge is how old a depth may be: SQS counts about once a minute, and who
	// scrapes every second must not ask it as often.
	depthAge = 30 * time.Second
	// depthTimeout is what a scrape waits for SQS.
	depthTimeout = 3 * time.Second
)

var depthDescription = prometheus.NewDesc("wildix_queue_messages", "Messages in a queue, as SQS counts them.", []string{"queue", "state"}, nil)

// depths tells Prometheus and the console how many messages the queue and its
// dead-letter queue hold. It asks when it is asked, so it costs nothing where nobody
// scrapes or watches; what it may not see is left out.
type depths struct {
	client   *sqs.Client
	queueURL string
	log      *zap.Logger
	age      time.Duration // that a depth may have

	mu      sync.Mutex
	asked   time.Time
	depths  []console.Depth
	failing bool
}

func newDepths(client *sqs.Client, queueURL string, log *zap.Logger) *depths {
	return &depths{client: client, queueURL: queueURL, log: log, age: depthAge}
}

// Describe is prometheus.Collector's.
func (d *depths) Describe(to chan<- *prometheus.Desc) { to <- depthDescription }

// Collect is prometheus.Collector's.
func (d *depths) Collect(to chan<- prometheus.Metric) {
	for _, depth := range d.known(context.Background()) {
		to <- prometheus.MustNewConstMetric(depthDescription, prometheus.GaugeValue, depth.Messages, depth.Queue, depth.State)
	}
}

// known returns the depths, of a while ago perhaps: a scrape and the console share them.
func (d *depths) known(ctx context.Context) []console.Depth {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.asked) >= d.age {
		d.ask(ctx)
	}
	return d.depths
}

func (d *depths) ask(stop context.Context) {
	ctx, cancel := context.WithTimeout(stop, depthTimeout)
	defer cancel()
	d.asked, d.depths = time.Now(), nil
	out, err := attributes(ctx, d.client, d.queueURL, noRetries)
	if stop.Err() != nil {
		return
	}
	if err != nil {
		if !d.failing {
			d.log.Info("depth of the queue not known", zap.Error(err))
		}
		d.failing = true
		return
	}
	d.failing = false
	d.add("main", out.Attributes)
	policy, err := parseRedrive(out.Attributes[string(types.QueueAttributeNameRedrivePolicy)])
	if err != nil { // there is none
		return
	}
	if out, err := attributes(ctx, d.client, policy.url(d.queueURL), noRetries); err == nil { // or it is not permitted
		d.add("dead_letter", out.Attributes)
	}
}

func (d *depths) add(queue string, attributes map[string]string) {
	for name, state := range map[types.QueueAttributeName]string{
		types.QueueAttributeNameApproximateNumberOfMessages:           "visible",
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: "in_flight",
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    "delayed",
	} {
		if n, err := strconv.ParseFloat(attributes[string(name)], 64); err == nil {
			d.depths = append(d.depths, console.Depth{Queue: queue, State: state, Messages: n})
		}
	}
}
