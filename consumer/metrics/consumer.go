package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"wildix-worker/consumer"
)

// Consumer registers the metrics of a consumer. stats is called at each scrape; pass
// the consumer's Stats method. It panics if a consumer is already registered.
func (m *Metrics) Consumer(stats func() consumer.Stats) {
	m.registry.MustRegister(consumerCollector{stats})
}

// A consumerCollector converts the stats of a consumer.
type consumerCollector struct{ stats func() consumer.Stats }

var (
	inHand         = describe("messages_in_hand", "Messages received and not settled.")
	settled        = describe("messages_settled_total", "Messages deleted, returned, quarantined or left.", "how")
	polls          = describe("polls", "Receives that are running.")
	emptyReceives  = describe("receives_empty_total", "Receives without a message.")
	held           = describe("messages_held", "Messages received and held until a destination can take them or an earlier one is settled.")
	heldBytes      = describe("messages_held_bytes", "Size of the bodies of held messages.")
	maxHeld        = describe("messages_held_limit", "How many messages may be held.")
	maxHeldBytes   = describe("messages_held_bytes_limit", "How large the bodies of held messages may be.")
	overdue        = describe("handlers_overdue", "Handlers that have not returned a minute after their context ended.")
	lastReceive    = describe("last_receive_timestamp_seconds", "Time of the latest answer to a receive.")
	requests       = describe("sqs_requests_total", "SQS calls.", "operation", "result")
	deletesFailed  = describe("deletes_failed_total", "Deletes that failed and were tried again.")
	leasesExtended = describe("leases_extended_total", "Leases extended.")
	leasesLost     = describe("leases_lost_total", "Leases that ended before their message was settled.")

	descriptions = []*prometheus.Desc{
		inHand, settled, polls, emptyReceives, held, heldBytes, maxHeld, maxHeldBytes, overdue, lastReceive,
		requests, deletesFailed, leasesExtended, leasesLost,
	}
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("wildix_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c consumerCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c consumerCollector) Collect(to chan<- prometheus.Metric) {
	s := c.stats()
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	counter := func(d *prometheus.Desc, value int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	gauge(inHand, float64(s.InHand))
	gauge(polls, float64(s.Polls))
	gauge(held, float64(s.Held))
	gauge(heldBytes, float64(s.HeldBytes))
	gauge(maxHeld, float64(s.MaxHeld))
	gauge(maxHeldBytes, float64(s.MaxHeldBytes))
	gauge(overdue, float64(s.Overdue))
	if !s.Answered.IsZero() {
		gauge(lastReceive, float64(s.Answered.UnixMilli())/1000)
	}
	counter(settled, s.Deleted, "deleted")
	counter(settled, s.Returned, "returned")
	counter(settled, s.Quarantined, "quarantined")
	counter(settled, s.Left, "left")
	counter(emptyReceives, s.EmptyReceives)
	counter(deletesFailed, s.DeletesFailed)
	counter(leasesExtended, s.LeasesExtended)
	counter(leasesLost, s.LeasesLost)
	for operation, r := range s.Requests {
		counter(requests, r.Succeeded, operation, "succeeded")
		counter(requests, r.Failed, operation, "failed")
	}
}
