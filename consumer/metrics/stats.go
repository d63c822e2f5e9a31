package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"wildix-worker/consumer"
	"wildix-worker/consumer/webhook"
)

// Consumer registers what the stats of a consumer say. They are asked for at each
// scrape, so that they cost nothing in between.
func (m *Metrics) Consumer(stats func() consumer.Stats) { m.registry.MustRegister(collector{stats}) }

type collector struct{ stats func() consumer.Stats }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("wildix_"+name, help, labels, nil)
}

var (
	inHand       = describe("messages_in_hand", "Messages received and not settled.")
	settled      = describe("messages_settled_total", "What became of messages at SQS: deleted, returned, quarantined or left.", "how")
	polls        = describe("polls", "Receives under way.")
	empty        = describe("receives_empty_total", "Receives that brought no message.")
	paused       = describe("receiving_paused", "1 while most messages fail and receiving waits for one to succeed.")
	answered     = describe("last_receive_timestamp_seconds", "When SQS last answered a receive.")
	requests     = describe("sqs_requests_total", "Calls of SQS.", "operation", "result")
	undeleted    = describe("deletes_failed_total", "Deletes that did not come through and were tried again.")
	extended     = describe("leases_extended_total", "Leases extended.")
	lost         = describe("leases_lost_total", "Leases lost.")
	descriptions = []*prometheus.Desc{inHand, settled, polls, empty, paused, answered, requests, undeleted, extended, lost}
)

// Describe is prometheus.Collector's.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		to <- d
	}
}

// Collect is prometheus.Collector's.
func (c collector) Collect(to chan<- prometheus.Metric) {
	s := c.stats()
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	counter := func(d *prometheus.Desc, value int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	gauge(inHand, float64(s.InHand))
	gauge(polls, float64(s.Polls))
	gauge(paused, float64(map[bool]int{true: 1}[s.Paused]))
	if !s.Answered.IsZero() {
		gauge(answered, float64(s.Answered.UnixMilli())/1000)
	}
	counter(settled, s.Deleted, "deleted")
	counter(settled, s.Returned, "returned")
	counter(settled, s.Quarantined, "quarantined")
	counter(settled, s.Left, "left")
	counter(empty, s.EmptyReceives)
	counter(undeleted, s.DeletesFailed)
	counter(extended, s.LeasesExtended)
	counter(lost, s.LeasesLost)
	for operation, r := range s.Requests {
		counter(requests, r.Succeeded, operation, "succeeded")
		counter(requests, r.Failed, operation, "failed")
	}
}

// Receiver registers what the stats of a receiver say, asked for as those of a
// consumer are.
func (m *Metrics) Receiver(stats func() webhook.Stats) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "wildix_requests_in_flight", Help: "Requests let in and not answered.",
		}, func() float64 { return float64(stats().InFlight) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "wildix_requests_refused_total", Help: "Requests answered 503 unread, since there were too many.",
		}, func() float64 { return float64(stats().Refused) }),
	)
}
