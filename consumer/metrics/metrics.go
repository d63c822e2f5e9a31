// Package metrics tells Prometheus what the transports do.
//
//	m := metrics.New(prometheus.DefaultRegisterer)
//	c, err := consumer.New(client, consumer.Config{..., Handler: m.Handler("crm")(mux), Observe: m.Observe})
//	...
//	m.Consumer(c.Stats) // or m.Receiver(r.Stats), of the HTTP transport
//
// What it exports, all with the prefix wildix_:
//
//	messages_total{outcome,type}          messages and requests by what became of them
//	handling_seconds                      from verifying a message to its outcome
//	event_age_seconds                     from the event's time to its being handled
//	message_age_seconds                   from its being sent to SQS to its being handled
//	handler_seconds{handler}              calls of a handler
//	handler_failures_total{handler}       calls that ended in an error or a panic
//	handlers_running{handler}             calls under way
//	messages_in_hand                      received and not settled
//	messages_settled_total{how}           deleted, returned, quarantined or left
//	polls                                 receives under way
//	receives_empty_total                  receives that brought nothing
//	receiving_paused                      1 while most messages fail
//	last_receive_timestamp_seconds        when SQS last answered a receive
//	sqs_requests_total{operation,result}  calls of SQS
//	deletes_failed_total                  deletes that were tried again
//	leases_extended_total, leases_lost_total
//	requests_in_flight                    requests of the HTTP transport that were let in
//	requests_refused_total                requests that were not, since there were too many
//
// An outcome is one of the six words of package events. A type is one that package
// events declares, or "other"; messages that are no event have the type "none".
package metrics

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// Seconds, from a tenth of a millisecond to the handler timeout, and from the queue's
// own delay to its retention.
var (
	briefly = []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60}
	ages    = []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 14 * 24 * 3600}
)

// Metrics are the metrics of one process.
type Metrics struct {
	registry prometheus.Registerer

	messages                       *prometheus.CounterVec
	handling, eventAge, messageAge prometheus.Histogram
	handlerTook                    *prometheus.HistogramVec
	handlerFailed                  *prometheus.CounterVec
	handlersRunning                *prometheus.GaugeVec
}

// New registers the metrics that do not depend on a transport.
func New(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		registry: registry,
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wildix_messages_total", Help: "Messages and requests by what became of them.",
		}, []string{"outcome", "type"}),
		handling: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "wildix_handling_seconds", Help: "From verifying a message to its outcome.", Buckets: briefly,
		}),
		eventAge: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "wildix_event_age_seconds", Help: "From an event's time to its being handled.", Buckets: ages,
		}),
		messageAge: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "wildix_message_age_seconds", Help: "From a message's being sent to SQS to its being handled.", Buckets: ages,
		}),
		handlerTook: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wildix_handler_seconds", Help: "Calls of a handler.", Buckets: briefly,
		}, []string{"handler"}),
		handlerFailed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wildix_handler_failures_total", Help: "Calls of a handler that ended in an error or a panic.",
		}, []string{"handler"}),
		handlersRunning: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "wildix_handlers_running", Help: "Calls of a handler under way.",
		}, []string{"handler"}),
	}
	registry.MustRegister(m.messages, m.handling, m.eventAge, m.messageAge, m.handlerTook, m.handlerFailed, m.handlersRunning)
	// Prometheus sees no increase in a counter's first value, and of these a single one
	// matters.
	for _, o := range []events.Outcome{events.Failed, events.Rejected, events.Malformed} {
		m.messages.WithLabelValues(o.String(), typeOf(nil))
	}
	return m
}

// Observe counts a message or request. It is made for the Observe of both
// transports' configurations.
func (m *Metrics) Observe(r consumer.Result) {
	m.messages.WithLabelValues(r.Outcome.String(), typeOf(r.Event)).Inc()
	m.handling.Observe(r.Took.Seconds())
	if r.Outcome != events.Handled {
		return
	}
	m.eventAge.Observe(max(time.Since(r.Event.Time).Seconds(), 0))
	if !r.SentAt.IsZero() {
		m.messageAge.Observe(max(time.Since(r.SentAt).Seconds(), 0))
	}
}

// known are the types that a label names: senders must not make up new ones.
var known = []string{
	events.CallStart, events.CallUpdate, events.CallEnd,
	events.CallLiveProgress, events.CallLiveCompleted, events.CallLiveInterrupted, events.CallLiveTranscription,
	events.CallCompleted, events.PresenceUser, events.PresenceTelephony, events.PresenceConference, events.SMSStatus,
}

func typeOf(e *events.Event) string {
	switch {
	case e == nil:
		return "none"
	case slices.Contains(known, e.Type):
		return e.Type
	default:
		return "other"
	}
}

// Handler returns a middleware that measures the calls of a handler.
func (m *Metrics) Handler(name string) events.Middleware {
	took, failed, running := m.handlerTook.WithLabelValues(name), m.handlerFailed.WithLabelValues(name), m.handlersRunning.WithLabelValues(name)
	return func(next events.Handler) events.Handler {
		return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
			running.Inc()
			begun := time.Now()
			defer func() {
				took.Observe(time.Since(begun).Seconds())
				running.Dec()
			}()
			switch outcome, err := events.Dispatch(ctx, next, e); outcome {
			case events.Handled:
				return nil
			case events.Ignored:
				return events.ErrNoHandler
			case events.Duplicate:
				return events.ErrDuplicate
			default:
				failed.Inc()
				return err
			}
		})
	}
}
