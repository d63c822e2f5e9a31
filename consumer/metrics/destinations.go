package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"wildix-worker/events/route"
)

// Destinations registers the metrics of a router's destinations. stats is called at each
// scrape; pass the router's Stats method. It panics if a router is already registered.
func (m *Metrics) Destinations(stats func() []route.Stats) {
	m.registry.MustRegister(destinationCollector{stats})
}

// A destinationCollector converts the stats of destinations.
type destinationCollector struct{ stats func() []route.Stats }

var (
	destinationState   = describe("destination_state", "1 for the state that a destination is in.", "destination", "state")
	destinationDown    = describe("destination_down_seconds", "How long a destination has been down or paused; 0 while it is up.", "destination")
	destinationHeld    = describe("destination_held_events", "Events that wait for a destination.", "destination")
	destinationRunning = describe("destination_running", "Calls of a destination that are running.", "destination")
	destinationCalls   = describe("destination_calls_total", "Calls of a destination by result.", "destination", "result")
)

// Describe implements prometheus.Collector.
func (c destinationCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{destinationState, destinationDown, destinationHeld, destinationRunning, destinationCalls} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c destinationCollector) Collect(to chan<- prometheus.Metric) {
	for _, s := range c.stats() {
		gauge := func(d *prometheus.Desc, value float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, append([]string{s.Name}, labels...)...)
		}
		calls := func(result string, n uint64) {
			to <- prometheus.MustNewConstMetric(destinationCalls, prometheus.CounterValue, float64(n), s.Name, result)
		}
		for _, state := range []route.State{route.Up, route.Down, route.Paused} {
			gauge(destinationState, boolValue(s.State == state), state.String())
		}
		down := 0.0
		if s.State != route.Up {
			down = time.Since(s.Since).Seconds()
		}
		gauge(destinationDown, down)
		gauge(destinationHeld, float64(s.Held))
		gauge(destinationRunning, float64(s.Running))
		calls("handled", s.Handled)
		calls("duplicate", s.Duplicates)
		calls("failed", s.Failed)
	}
}

// HTTPResponses registers how many requests HTTP destinations have sent, by the class of the
// response's status. counts is called at each scrape, and returns them by destination and
// class. It panics if it is called twice.
func (m *Metrics) HTTPResponses(counts func() map[string]map[string]uint64) {
	m.registry.MustRegister(responseCollector{counts})
}

// A responseCollector converts the counts of responses.
type responseCollector struct {
	counts func() map[string]map[string]uint64
}

var httpResponses = describe("http_responses_total", "Requests of an HTTP destination by the class of the response's status; none is no response.", "destination", "class")

// Describe implements prometheus.Collector.
func (c responseCollector) Describe(to chan<- *prometheus.Desc) { to <- httpResponses }

// Collect implements prometheus.Collector.
func (c responseCollector) Collect(to chan<- prometheus.Metric) {
	for destination, classes := range c.counts() {
		for class, n := range classes {
			to <- prometheus.MustNewConstMetric(httpResponses, prometheus.CounterValue, float64(n), destination, class)
		}
	}
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
