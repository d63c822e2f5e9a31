package metrics

import (
	"cmp"
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"wildix-worker/internal/outage"
	"wildix-worker/internal/sqscall"
)

const (
	// defaultDepthAge suits SQS, which counts about once a minute.
	defaultDepthAge = 30 * time.Second
	// depthTimeout is how long a scrape waits for SQS.
	depthTimeout = 3 * time.Second
)

var depthDescription = prometheus.NewDesc("wildix_queue_messages", "Messages in a queue, as SQS counts them.", []string{"queue", "state"}, nil)

// A Depth is how many messages of a state a queue holds, as SQS counts them.
type Depth struct {
	Queue    string // main or dead_letter
	State    string // visible, in_flight or delayed
	Messages float64
}

// A QueueClient is the part of *sqs.Client that [Depths] calls.
type QueueClient interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// Depths collects how many messages a queue and its dead-letter queue hold. It calls SQS
// when it is scraped, and needs the permission sqs:GetQueueAttributes on both queues. A
// queue that it may not read is omitted.
type Depths struct {
	client   QueueClient
	queueURL string
	outage   *outage.Log
	maxAge   time.Duration

	mu     sync.Mutex
	asked  time.Time
	latest []Depth
}

// DepthsConfig is the configuration of [NewDepths].
type DepthsConfig struct {
	Client   QueueClient
	QueueURL string
	// MaxAge is how long depths are used before SQS is asked again; 30 s if zero.
	MaxAge time.Duration
	// Logger logs when SQS stops answering; nil logs nothing.
	Logger *zap.Logger
}

// NewDepths returns a collector, to be registered with Prometheus.
func NewDepths(cfg DepthsConfig) *Depths {
	log := cfg.Logger
	if log == nil {
		log = zap.NewNop()
	}
	return &Depths{
		client: cfg.Client, queueURL: cfg.QueueURL, maxAge: cmp.Or(cfg.MaxAge, defaultDepthAge),
		outage: outage.New(outage.Config{Logger: log, Failing: "depth of the queue not known"}),
	}
}

// Describe implements prometheus.Collector.
func (d *Depths) Describe(to chan<- *prometheus.Desc) { to <- depthDescription }

// Collect implements prometheus.Collector.
func (d *Depths) Collect(to chan<- prometheus.Metric) {
	for _, depth := range d.Latest(context.Background()) {
		to <- prometheus.MustNewConstMetric(depthDescription, prometheus.GaugeValue, depth.Messages, depth.Queue, depth.State)
	}
}

// Latest returns the depths. They may be as old as MaxAge, so that several readers share
// one call of SQS, and are nil if SQS did not answer. The slice must not be changed.
func (d *Depths) Latest(ctx context.Context) []Depth {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.asked) >= d.maxAge {
		d.ask(ctx)
	}
	return d.latest
}

func (d *Depths) ask(stop context.Context) {
	ctx, cancel := context.WithTimeout(stop, depthTimeout)
	defer cancel()
	d.asked, d.latest = time.Now(), nil
	attributes, err := d.attributes(ctx, d.queueURL)
	if stop.Err() != nil {
		return
	}
	if err != nil {
		d.outage.Failed(err)
		return
	}
	d.outage.Succeeded()
	d.add("main", attributes)
	policy, err := sqscall.ParseRedrivePolicy(attributes[string(types.QueueAttributeNameRedrivePolicy)])
	if err != nil { // most likely there is none
		return
	}
	if attributes, err := d.attributes(ctx, policy.DeadLetterQueueURL(d.queueURL)); err == nil { // an error is most likely a missing permission
		d.add("dead_letter", attributes)
	}
}

func (d *Depths) attributes(ctx context.Context, queueURL string) (map[string]string, error) {
	out, err := d.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	}, sqscall.Options)
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

func (d *Depths) add(queue string, attributes map[string]string) {
	for _, count := range []struct {
		name  types.QueueAttributeName
		state string
	}{
		{types.QueueAttributeNameApproximateNumberOfMessages, "visible"},
		{types.QueueAttributeNameApproximateNumberOfMessagesNotVisible, "in_flight"},
		{types.QueueAttributeNameApproximateNumberOfMessagesDelayed, "delayed"},
	} {
		if n, err := strconv.ParseFloat(attributes[string(count.name)], 64); err == nil {
			d.latest = append(d.latest, Depth{Queue: queue, State: count.state, Messages: n})
		}
	}
}
