package period

import (
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// In these places clocks change at midnight.
func TestDayStartsWithItsFirstInstant(t *testing.T) {
	for _, c := range []struct{ zone, date, want string }{
		{"America/Santiago", "2026-09-06", "2026-09-06T01:00:00-03:00"}, // from 0:00 to 1:00
		{"America/Santiago", "2026-04-05", "2026-04-05T00:00:00-04:00"}, // from 0:00 to 23:00 of the day before
		{"America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00"},   // from 1:00 to 0:00, which comes twice
		{"America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00"},
		{"Africa/Cairo", "2026-04-24", "2026-04-24T01:00:00+03:00"},
		{"Asia/Beirut", "2026-03-29", "2026-03-29T01:00:00+03:00"},
		{"Europe/Rome", "2026-10-25", "2026-10-25T00:00:00+02:00"},
	} {
		at, err := ParseTime(c.date, time.Now().In(zone(t, c.zone)))
		if err != nil || at.Format(time.RFC3339) != c.want {
			t.Errorf("%s in %s starts at %s, want %s (%v)", c.date, c.zone, at.Format(time.RFC3339), c.want, err)
		}
	}
}

// Each instant belongs to one day, whatever the zone does.
func TestDaysFollowEachOther(t *testing.T) {
	for _, name := range []string{"America/Santiago", "America/Havana", "Africa/Cairo", "Europe/Rome", "Australia/Lord_Howe", "Asia/Tehran"} {
		loc := zone(t, name)
		for day := range 366 {
			start := StartOfDate(2026, 1, 1+day, loc)
			if end := start.Add(-time.Nanosecond); end.Day() == start.Day() {
				t.Errorf("%s: %s is not the first instant of its day", name, start)
			}
			if next := StartOfDate(2026, 1, 2+day, loc); StartOfDay(start.Add(30*time.Minute), 1) != next {
				t.Errorf("%s: after %s comes not %s", name, start, next)
			}
		}
	}
}
