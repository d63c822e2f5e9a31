package calls

import (
	"strings"
	"testing"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/config"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestPeriods(t *testing.T) {
	rome := zone(t, "Europe/Rome")
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, rome) // the day has 23 hours
	for _, c := range []struct {
		name, begin, end string // UTC
		settings         periodSettings
	}{
		{"nothing is the last 24 hours", "2026-03-28T10:00:00Z", "", periodSettings{}},
		{"a short day", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", periodSettings{Today: true}},
		{"a month in which clocks change", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", periodSettings{Month: "2026-03"}},
		{"a month in which clocks change back", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z", periodSettings{Month: "2026-10"}},
		{"December", "2025-11-30T23:00:00Z", "2025-12-31T23:00:00Z", periodSettings{Month: "2025-12"}},
		{"the last day is included", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", periodSettings{From: "2026-10-25", Until: "2026-10-25"}},
		{"an exact end", "", "2026-10-25T00:30:00Z", periodSettings{Until: "2026-10-25T02:30:00+02:00"}},
		{"days back at the same time of day", "2026-03-28T11:00:00Z", "", periodSettings{Since: "1d"}},
		{"hours back", "2026-03-28T10:00:00Z", "", periodSettings{Since: "24h"}},
		{"since a date", "2025-12-31T23:00:00Z", "2026-01-31T23:00:00Z", periodSettings{Since: "2026-01-01", Until: "2026-01-31"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var faults config.Faults
			p := c.settings.span(now, &faults)
			for want, got := range map[string]time.Time{"begin " + c.begin: p.begin, "end " + c.end: p.end} {
				name, at, _ := strings.Cut(want, " ")
				if at == "" != got.IsZero() || at != "" && got.UTC().Format(time.RFC3339) != at {
					t.Errorf("%s is %s, want %s", name, got.UTC(), at)
				}
			}
			if faults.Err() != nil {
				t.Error(faults.Err())
			}
		})
	}
}

func TestWrongPeriodsAreExplained(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for want, settings := range map[string]periodSettings{
		`--month: "2026-13" is not a month such as 2026-11`:                                                  {Month: "2026-13"},
		`--from: "27.11.2026" is neither a date such as 2026-01-31 nor a time such as 2026-01-31T08:00:00Z`:  {From: "27.11.2026"},
		`--until: "2026-02-30" is neither a date such as 2026-01-31 nor a time such as 2026-01-31T08:00:00Z`: {Until: "2026-02-30"},
		`--until: "2026-10-31" ends before --since or --from begins`:                                         {From: "2026-11-01", Until: "2026-10-31"},
		`--since: "-1h" is neither a duration such as 24h or 7d nor a date such as 2026-01-31`:               {Since: "-1h"},
		`--timezone: "Europe/Rom" is not a time zone such as Europe/Rome or UTC`:                             {Timezone: "Europe/Rom"},
	} {
		var faults config.Faults
		settings.location(&faults)
		settings.span(now, &faults)
		if err := faults.Err(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
