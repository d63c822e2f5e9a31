package serve

import (
	"fmt"
	"net"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/handlers"
	"wildix-worker/consumer"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
	"wildix-worker/events/route"
)

// consumerStatus returns a function that describes the state of a consumer in one line.
func consumerStatus(stats func() consumer.Stats, destinations func() []route.Stats) func() string {
	return func() string {
		s := stats()
		status := fmt.Sprintf("%d in hand; %s", s.InHand, countOutcomes(s.Outcomes))
		if s.Held > 0 {
			status += fmt.Sprintf("; %d held", s.Held)
		}
		status += outages(destinations)
		if !s.FailingSince.IsZero() {
			status += "; the queue has not answered since " + s.FailingSince.Format(time.TimeOnly)
		}
		return status
	}
}

// receiverStatus returns a function that describes the state of a receiver in one line.
func receiverStatus(l net.Listener, stats func() webhook.Stats, destinations func() []route.Stats) func() string {
	return func() string {
		return fmt.Sprintf("listening on %s; %s%s", l.Addr(), countOutcomes(stats().Outcomes), outages(destinations))
	}
}

// outages names the destinations that take no events. destinations is nil if there are none.
func outages(destinations func() []route.Stats) (text string) {
	if destinations == nil {
		return ""
	}
	for _, outage := range handlers.Outages(destinations(), nil) {
		text += "; " + outage
	}
	return text
}

// countOutcomes lists the number of messages with each outcome, such as "5 handled, 1 failed".
func countOutcomes(counts [events.Outcomes]int64) string {
	text := fmt.Sprintf("%d handled", counts[events.Handled])
	for o, n := range counts {
		if outcome := events.Outcome(o); outcome != events.Handled && n > 0 {
			text += fmt.Sprintf(", %d %s", n, outcome)
		}
	}
	return text
}
