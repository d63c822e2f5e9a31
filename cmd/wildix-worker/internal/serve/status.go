package serve

import (
	"fmt"
	"net"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
)

// consumerStatus returns the state of a consumer in a line.
func consumerStatus(stats func() consumer.Stats) func() string {
	return func() string {
		s := stats()
		status := fmt.Sprintf("%d in hand; %s", s.InHand, countOutcomes(s.Outcomes))
		if s.Paused {
			status += "; most messages fail, trying one at a time"
		}
		if !s.FailingSince.IsZero() {
			status += "; the queue has not answered since " + s.FailingSince.Format(time.TimeOnly)
		}
		return status
	}
}

// receiverStatus returns the state of a receiver in a line.
func receiverStatus(l net.Listener, stats func() webhook.Stats) func() string {
	return func() string { return fmt.Sprintf("listening on %s; %s", l.Addr(), countOutcomes(stats().Outcomes)) }
}

// countOutcomes lists how many messages have each outcome.
func countOutcomes(counts [events.Outcomes]int64) string {
	text := fmt.Sprintf("%d handled", counts[events.Handled])
	for o, n := range counts {
		if outcome := events.Outcome(o); outcome != events.Handled && n > 0 {
			text += fmt.Sprintf(", %d %s", n, outcome)
		}
	}
	return text
}
