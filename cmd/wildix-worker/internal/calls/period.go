package calls

import (
	"fmt"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/period"
)

// periodSettings choose when the calls started. Kong refuses two beginnings, and an end
// besides a day or a month.
type periodSettings struct {
	Since    string `xor:"begin" placeholder:"24h" help:"Show calls that started since then: a duration such as 24h or 7d, or a date such as 2026-01-31."`
	Today    bool   `xor:"begin,today" help:"Show the calls of today."`
	Month    string `xor:"begin,month" placeholder:"YYYY-MM" help:"Show the calls of a month, such as 2026-11."`
	From     string `xor:"begin" placeholder:"DATE" help:"Show calls that started on this day or later, or from a time such as 2026-01-31T08:00:00+01:00 on."`
	Until    string `xor:"today,month" placeholder:"DATE" help:"Show calls that started on this day or earlier, or before a time. Without --since or --from, all of them."`
	Timezone string `placeholder:"ZONE" help:"The time zone of days and of the times shown, such as Europe/Rome or UTC. Without it, the one of this machine."`
}

// defaultSince is how far back calls are listed if no setting says when they started.
const defaultSince = 24 * time.Hour

// A span is the time in which calls started, from begin to before end. A zero time is no limit.
type span struct{ begin, end time.Time }

// location returns the time zone, and adds the fault of an unknown one.
func (s *periodSettings) location(faults *config.Faults) *time.Location {
	loc, err := period.Zone(s.Timezone)
	faults.Add("--timezone", err)
	return loc
}

// span returns the chosen period, and adds what is wrong with it. now has the time zone of
// all days.
func (s *periodSettings) span(now time.Time, faults *config.Faults) (p span) {
	loc := now.Location()
	before := faults.Len()
	parse := func(flag, value string, parse func(string, time.Time) (time.Time, error)) (at time.Time) {
		if value == "" {
			return time.Time{}
		}
		at, err := parse(value, now)
		faults.Add(flag, err)
		return at
	}
	switch {
	case s.Today:
		p.begin, p.end = period.StartOfDay(now, 0), period.StartOfDay(now, 1)
	case s.Month != "":
		p.begin = parse("--month", s.Month, period.ParseMonth)
		p.end = period.StartOfDate(p.begin.Year(), p.begin.Month()+1, 1, loc)
	default:
		p.begin = parse("--from", s.From, period.ParseTime)
		if s.Since != "" {
			p.begin = parse("--since", s.Since, period.ParseSince)
		}
		p.end = parse("--until", s.Until, period.ParseEnd)
		if p == (span{}) {
			p.begin = now.Add(-defaultSince)
		}
	}
	if faults.Len() == before && !p.begin.IsZero() && !p.end.IsZero() && !p.begin.Before(p.end) {
		faults.Add("--until", fmt.Errorf("%q ends before --since or --from begins", s.Until))
	}
	return p
}
