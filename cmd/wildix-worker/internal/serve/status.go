package serve

import (
	"fmt"
	"net"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
)

// consumerStatus says in a line what a consumer does.
func consumerStatus(stats func() consumer.Stats) func() string {
	return func() string {
		s := stats()
		status := fmt.Sprintf("%d in hand; %s", s.InHand, inWords(s.Outcomes))
		if s.Paused {
			status += "; most messages fail, trying one at a time"
		}
		if !s.FailingSince.IsZero() {
			status += "; no answer of the queue since " + s.FailingSince.Format(time.TimeOnly)
		}
		return status
	}
}

// receiverStatus says in a line what a receiver has done.
func receiverStatus(l net.Listener, stats func() webhook.Stats) func() string {
	return func() string { return fmt.Sprintf("listening on %s; %s", l.Addr(), inWords(stats().Outcomes)) }
}

// inWords says how many messages have ended how.
func inWords(counts [events.Outcomes]int64) string {
	text := fmt.Sprintf("%d handled", counts[events.Handled])
	for o, n := range counts {
		if outcome := events.Outcome(o); outcome != events.Handled && n > 0 {
			text += fmt.Sprintf(", %d %s", n, outcome)
		}
	}
	return text
}
