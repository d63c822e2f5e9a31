package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// Histogram buckets, in seconds.
var (
	// From a tenth of a millisecond to the handler timeout.
	durationBuckets = []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60}
	// From the delay of SQS itself to the longest retention of a queue.
	ageBuckets = []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 14 * 24 * 3600}
)

// Metrics are the metrics of one process. Create them with [New].
type Metrics struct {
	registry prometheus.Registerer

	messages                       *prometheus.CounterVec
	handling, eventAge, messageAge prometheus.Histogram
	handlerSeconds                 *prometheus.HistogramVec
	handlerFailures                *prometheus.CounterVec
	handlersRunning                *prometheus.GaugeVec
}

// New registers the metrics of messages and handlers. It panics if they are already
// registered.
func New(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		registry: registry,
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wildix_messages_total", Help: "Messages and requests by outcome.",
		}, []string{"outcome", "type"}),
		handling: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "wildix_handling_seconds", Help: "Time from verifying a message to its outcome.", Buckets: durationBuckets,
		}),
		eventAge: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "wildix_event_age_seconds", Help: "Time from an event to the end of its handling.", Buckets: ageBuckets,
		}),
		messageAge: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "wildix_message_age_seconds", Help: "Time from sending a message to SQS to the end of its handling.", Buckets: ageBuckets,
		}),
		handlerSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wildix_handler_seconds", Help: "Duration of a handler's calls.", Buckets: durationBuckets,
		}, []string{"handler"}),
		handlerFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wildix_handler_failures_total", Help: "Calls of a handler that returned an error or panicked.",
		}, []string{"handler"}),
		handlersRunning: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "wildix_handlers_running", Help: "Calls of a handler that are running.",
		}, []string{"handler"}),
	}
	registry.MustRegister(m.messages, m.handling, m.eventAge, m.messageAge, m.handlerSeconds, m.handlerFailures, m.handlersRunning)
	// These outcomes start at 0: a single one matters, and Prometheus sees no increase
	// when a counter appears with the value 1.
	for _, o := range []events.Outcome{events.Failed, events.Rejected, events.Malformed} {
		m.messages.WithLabelValues(o.String(), typeLabel(nil))
	}
	return m
}

// Observe records the outcome of a message or request. It is a value for the Observe
// field of consumer.Config and webhook.Config.
func (m *Metrics) Observe(r consumer.Result) {
	m.messages.WithLabelValues(r.Outcome.String(), typeLabel(r.Event)).Inc()
	m.handling.Observe(r.Took.Seconds())
	if r.Outcome != events.Handled {
		return
	}
	m.eventAge.Observe(max(time.Since(r.Event.Time).Seconds(), 0))
	if !r.SentAt.IsZero() {
		m.messageAge.Observe(max(time.Since(r.SentAt).Seconds(), 0))
	}
}

// knownTypes are the event types that are label values, so that a sender can't create new
// ones.
var knownTypes = []string{
	events.CallStart, events.CallUpdate, events.CallEnd,
	events.CallLiveProgress, events.CallLiveCompleted, events.CallLiveInterrupted, events.CallLiveTranscription,
	events.CallCompleted, events.PresenceUser, events.PresenceTelephony, events.PresenceConference, events.SMSStatus,
}

func typeLabel(e *events.Event) string {
	switch {
	case e == nil:
		return "none"
	case slices.Contains(knownTypes, e.Type):
		return e.Type
	default:
		return "other"
	}
}
