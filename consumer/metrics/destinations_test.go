package metrics_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"wildix-worker/consumer/metrics"
	"wildix-worker/events/route"
)

func TestDestinationsAreExported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		metrics.New(registry).Destinations(func() []route.Stats {
			return []route.Stats{
				{Name: "store", Since: time.Now().Add(-time.Hour), Running: 2, Handled: 7, Duplicates: 1},
				{Name: "forward", State: route.Down, Since: time.Now().Add(-90 * time.Second), Held: 120, Queued: 3, Failed: 9},
				{Name: "command", State: route.Paused, Since: time.Now().Add(-time.Second)},
			}
		})
		want(t, registry, `
# HELP wildix_destination_calls_total Calls of a destination by result.
# TYPE wildix_destination_calls_total counter
wildix_destination_calls_total{destination="command",result="duplicate"} 0
wildix_destination_calls_total{destination="command",result="failed"} 0
wildix_destination_calls_total{destination="command",result="handled"} 0
wildix_destination_calls_total{destination="forward",result="duplicate"} 0
wildix_destination_calls_total{destination="forward",result="failed"} 9
wildix_destination_calls_total{destination="forward",result="handled"} 0
wildix_destination_calls_total{destination="store",result="duplicate"} 1
wildix_destination_calls_total{destination="store",result="failed"} 0
wildix_destination_calls_total{destination="store",result="handled"} 7
# HELP wildix_destination_down_seconds How long a destination has been down or paused; 0 while it is up.
# TYPE wildix_destination_down_seconds gauge
wildix_destination_down_seconds{destination="command"} 1
wildix_destination_down_seconds{destination="forward"} 90
wildix_destination_down_seconds{destination="store"} 0
# HELP wildix_destination_held_events Events that wait for a destination.
# TYPE wildix_destination_held_events gauge
wildix_destination_held_events{destination="command"} 0
wildix_destination_held_events{destination="forward"} 120
wildix_destination_held_events{destination="store"} 0
# HELP wildix_destination_running Calls of a destination that are running.
# TYPE wildix_destination_running gauge
wildix_destination_running{destination="command"} 0
wildix_destination_running{destination="forward"} 0
wildix_destination_running{destination="store"} 2
# HELP wildix_destination_state 1 for the state that a destination is in.
# TYPE wildix_destination_state gauge
wildix_destination_state{destination="command",state="down"} 0
wildix_destination_state{destination="command",state="paused"} 1
wildix_destination_state{destination="command",state="up"} 0
wildix_destination_state{destination="forward",state="down"} 1
wildix_destination_state{destination="forward",state="paused"} 0
wildix_destination_state{destination="forward",state="up"} 0
wildix_destination_state{destination="store",state="down"} 0
wildix_destination_state{destination="store",state="paused"} 0
wildix_destination_state{destination="store",state="up"} 1
`, "wildix_destination_calls_total", "wildix_destination_down_seconds", "wildix_destination_held_events",
			"wildix_destination_running", "wildix_destination_state")
		if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
			t.Errorf("%v %v", problems, err)
		}
	})
}

func TestHTTPResponsesAreExported(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	metrics.New(registry).HTTPResponses(func() map[string]map[string]uint64 {
		return map[string]map[string]uint64{"crm": {"none": 0, "2xx": 7, "5xx": 1}, "slack": {"none": 2}}
	})
	want(t, registry, `
# HELP wildix_http_responses_total Requests of an HTTP destination by the class of the response's status; none is no response.
# TYPE wildix_http_responses_total counter
wildix_http_responses_total{class="2xx",destination="crm"} 7
wildix_http_responses_total{class="5xx",destination="crm"} 1
wildix_http_responses_total{class="none",destination="crm"} 0
wildix_http_responses_total{class="none",destination="slack"} 2
`, "wildix_http_responses_total")
}
