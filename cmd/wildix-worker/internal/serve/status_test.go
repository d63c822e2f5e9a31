package serve

import (
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

func TestStatusCountsOutcomesAndReportsTrouble(t *testing.T) {
	var stats consumer.Stats
	status := consumerStatus(func() consumer.Stats { return stats })
	check := func(want string) {
		t.Helper()
		if got := status(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	check("0 in hand; 0 handled")
	stats.InHand, stats.Outcomes[events.Handled], stats.Outcomes[events.Rejected] = 12, 1234, 3
	check("12 in hand; 1234 handled, 3 rejected")
	stats.Paused, stats.FailingSince = true, time.Date(2026, 5, 1, 15, 4, 5, 0, time.UTC)
	check("12 in hand; 1234 handled, 3 rejected; most messages fail, trying one at a time; the queue has not answered since 15:04:05")
}
