// Package period parses the times and periods that flags of several commands name.
//
// now has the time zone of all days, in each of its functions.
package period

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for --timezone on machines without a database of time zones
)

// Zone returns the time zone of that name, and the one of this machine for an empty name, and
// with an error.
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.Local, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.Local, fmt.Errorf("%q is not a time zone such as Europe/Rome or UTC", name)
	}
	return loc, nil
}

// ParseSince parses a duration before now, such as 24h or 7d, or else what ParseTime does.
func ParseSince(value string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(value, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if ago, err := time.ParseDuration(value); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	if at, err := ParseTime(value, now); err == nil {
		return at, nil
	}
	return time.Time{}, fmt.Errorf("%q is neither a duration such as 24h or 7d nor a date such as 2026-01-31", value)
}

// ParseTime parses a time, or a date, which stands for the day's start.
func ParseTime(value string, now time.Time) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, value); err == nil {
		return StartOfDate(day.Year(), day.Month(), day.Day(), now.Location()), nil
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		err = fmt.Errorf("%q is neither a date such as 2026-01-31 nor a time such as 2026-01-31T08:00:00Z", value)
	}
	return at, err
}

// ParseEnd parses a time, or a date, which stands for the day's end.
func ParseEnd(value string, now time.Time) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, value); err == nil {
		return StartOfDate(day.Year(), day.Month(), day.Day()+1, now.Location()), nil
	}
	return ParseTime(value, now)
}

// ParseMonth returns the start of a month.
func ParseMonth(value string, now time.Time) (time.Time, error) {
	first, err := time.Parse("2006-01", value)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a month such as 2026-11", value)
	}
	return StartOfDate(first.Year(), first.Month(), 1, now.Location()), nil
}

// StartOfDay returns when the day of a time starts, or a day some days later.
func StartOfDay(t time.Time, later int) time.Time {
	return StartOfDate(t.Year(), t.Month(), t.Day()+later, t.Location())
}

// StartOfDate returns the first instant of a date. Where clocks change at midnight, that is not
// always what time.Date returns for 0:00: there may be two of them, or none, and the day starts
// at 1:00.
func StartOfDate(year int, month time.Month, day int, loc *time.Location) time.Time {
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC) // with the day and month in range
	start := time.Date(year, month, day, 0, 0, 0, 0, loc)
	for _, near := range []time.Duration{24 * time.Hour, -24 * time.Hour} { // before a change the offset is another than after it
		_, offset := start.Add(near).Zone()
		midnight := date.Add(-time.Duration(offset) * time.Second).In(loc)
		inside, found := midnight.Day() == date.Day(), start.Day() == date.Day()
		if inside && (!found || midnight.Before(start)) {
			start = midnight
		}
	}
	return start
}
