package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"wildix-worker/consumer/webhook"
)

// Receiver registers the metrics of a webhook receiver. stats is called at each scrape;
// pass the receiver's Stats method. It panics if a receiver is already registered.
func (m *Metrics) Receiver(stats func() webhook.Stats) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "wildix_requests_in_flight", Help: "HTTP requests being read or handled.",
		}, func() float64 { return float64(stats().InFlight) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "wildix_requests_refused_total", Help: "HTTP requests refused because there were too many, or too many large bodies.",
		}, func() float64 { return float64(stats().Refused) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "wildix_requests_misdirected_total", Help: "Signed HTTP requests that were posted to another path.",
		}, func() float64 { return float64(stats().Misdirected) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "wildix_connections_open", Help: "Open HTTP connections.",
		}, func() float64 { return float64(stats().Connections) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "wildix_connections_closed_total", Help: "HTTP connections closed to make room for others.",
		}, func() float64 { return float64(stats().ConnectionsClosed) }),
	)
}
