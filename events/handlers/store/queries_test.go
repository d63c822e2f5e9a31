package store

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
)

// documentedQueries are the queries of docs/handlers.md by their names.
func documentedQueries(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/handlers.md")
	if err != nil {
		t.Fatal(err)
	}
	queries := make(map[string]string)
	for _, found := range regexp.MustCompile("(?s)```sql\n-- (.*?)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		queries[found[1]] = found[2]
	}
	return queries
}

func TestDocumentedQueries(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		// A little later than now: it may be midnight before the query runs.
		begin := time.Now().UTC().Add(time.Minute).Truncate(time.Second)
		var all []*events.Event
		add := func(id string, at time.Time, eventType, status string) {
			all = append(all, decode(t, fmt.Sprintf(`{"id":%q,"type":%q,"time":%d,"data":{"status":%q,"queueName":"Support","caller":{"type":"REMOTE","phone":"+12025550100"}}}`,
				id, eventType, at.UnixMilli(), status)))
		}
		call := func(id string, begin time.Time, rings time.Duration, answered bool) {
			add(id, begin, events.CallStart, "CONNECTING")
			status := "RINGING"
			if answered {
				status = "TALKING"
				add(id, begin.Add(rings), events.CallUpdate, status)
				rings += time.Minute
			}
			add(id, begin.Add(rings), events.CallEnd, status)
		}
		call("missed", begin, 20*time.Second, false)
		call("answered", begin, 30*time.Second, true)
		call("live", begin, 0, false)
		all = all[:len(all)-1] // without its end
		call("long ago", begin.AddDate(0, 0, -10), 10*time.Second, false)
		handle(t, all, db.open(t))

		queries := documentedQueries(t)
		for name, want := range map[string]string{
			"Missed calls today": "caller_phone=+12025550100 caller_name=<nil> queue=Support waited_seconds=20 \n",
			"Calls an hour":      "calls=1 missed=1 \ncalls=3 missed=1 \n",
			"Longest waits": "caller_phone=+12025550100 queue=Support waited_seconds=30 answered=true \n" +
				"caller_phone=+12025550100 queue=Support waited_seconds=20 answered=false \n" +
				"caller_phone=+12025550100 queue=Support waited_seconds=10 answered=false \n",
		} {
			got := regexp.MustCompile(`(?m)^(started_at|hour)=\S+( \S+ \S+ UTC| \d\d)? `).ReplaceAllString(db.rows(t, queries[name]), "")
			got = strings.NewReplacer("answered=1", "answered=true", "answered=0", "answered=false").Replace(got) // SQLite's booleans
			if got != want {
				t.Errorf("%s:\n%swant\n%s", name, got, want)
			}
			delete(queries, name)
		}
		for name := range queries {
			t.Errorf("%s is not tested", name)
		}
		if hours := db.rows(t, documentedQueries(t)["Calls an hour"]); !strings.Contains(strings.ReplaceAll(hours, " ", "T"), "hour="+begin.Format("2006-01-02T15")) {
			t.Errorf("hours %s", hours)
		}
	})
}
