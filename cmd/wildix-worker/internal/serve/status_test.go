package serve

import (
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/events/route"
)

func TestStatusCountsOutcomesAndReportsTrouble(t *testing.T) {
	var stats consumer.Stats
	destination := route.Stats{Name: "forward"}
	status := consumerStatus(func() consumer.Stats { return stats }, func() []route.Stats { return []route.Stats{destination} })
	check := func(want string) {
		t.Helper()
		if got := status(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	check("0 in hand; 0 handled")
	stats.InHand, stats.Outcomes[events.Handled], stats.Outcomes[events.Rejected] = 12, 1234, 3
	check("12 in hand; 1234 handled, 3 rejected")
	at := time.Date(2026, 5, 1, 15, 4, 5, 0, time.UTC)
	stats.Held, stats.FailingSince = 13, at
	destination.State, destination.Since, destination.Held, destination.LastError = route.Down, at, 12, "status 503"
	check("12 in hand; 1234 handled, 3 rejected; 13 held; destination forward is down since 2026-05-01T15:04:05Z, 12 events held; the queue has not answered since 15:04:05")
}
