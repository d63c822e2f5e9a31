package template

import (
	"errors"
	"math"
	"time"
)

// A moment is a time, nil if it is unknown. It is not a time.Time, of which some methods make
// a text of any length.
type moment struct{ time time.Time }

const maxLayout = 100

func momentOf(t time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	return &moment{t}
}

func (m *moment) orZero() time.Time {
	if m == nil {
		return time.Time{}
	}
	return m.time
}

// Format is time.Time.Format, or empty for an unknown time.
func (m *moment) Format(layout string) (string, error) {
	switch {
	case len(layout) > maxLayout:
		return "", errors.New("a layout of more than 100 characters")
	case m == nil:
		return "", nil
	default:
		return m.time.Format(layout), nil
	}
}

func (m *moment) Local() *moment { return momentOf(m.orZero().Local()) } //nolint:gosmopolitan // the worker's zone is asked for
func (m *moment) UTC() *moment   { return momentOf(m.orZero().UTC()) }

func (m *moment) AddDate(years, months, days int) *moment {
	return momentOf(m.orZero().AddDate(years, months, days))
}

// IsZero reports whether the time is unknown.
func (m *moment) IsZero() bool { return m == nil }

func (m *moment) Unix() int64           { return m.orZero().Unix() }
func (m *moment) UnixMilli() int64      { return m.orZero().UnixMilli() }
func (m *moment) UnixMicro() int64      { return m.orZero().UnixMicro() }
func (m *moment) UnixNano() int64       { return m.orZero().UnixNano() }
func (m *moment) Year() int             { return m.orZero().Year() }
func (m *moment) Month() time.Month     { return m.orZero().Month() }
func (m *moment) Day() int              { return m.orZero().Day() }
func (m *moment) YearDay() int          { return m.orZero().YearDay() }
func (m *moment) Weekday() time.Weekday { return m.orZero().Weekday() }
func (m *moment) Hour() int             { return m.orZero().Hour() }
func (m *moment) Minute() int           { return m.orZero().Minute() }
func (m *moment) Second() int           { return m.orZero().Second() }

// String is time.Time.String, or empty for an unknown time.
func (m *moment) String() string {
	if m == nil {
		return ""
	}
	return m.time.String()
}

// MarshalJSON returns the time in the format of RFC 3339. encoding/json writes null for nil.
func (m *moment) MarshalJSON() ([]byte, error) { return m.orZero().MarshalJSON() }

// A span is a number of seconds.
type span float64

func (s span) Seconds() int64      { return int64(s) }
func (s span) Milliseconds() int64 { return int64(math.Round(float64(s) * 1000)) }

// String returns the span such as 1m5s.
func (s span) String() string { return (time.Duration(s.Seconds()) * time.Second).String() }
