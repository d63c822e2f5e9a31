package events

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// A Timestamp is a time in an event's data, in UTC to the millisecond. It is zero if the
// time is missing or not between 2000 and 2100.
type Timestamp struct{ time.Time }

// MarshalJSON writes Unix milliseconds, or null for the zero Timestamp.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, t.UnixMilli(), 10), nil
}

// UnmarshalJSON reads Unix milliseconds. Anything else is the zero Timestamp. It
// never fails on valid JSON.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	*t = Timestamp{}
	var millis float64
	if json.Unmarshal(data, &millis) == nil {
		t.Time, _ = unixMilli(millis)
	}
	return nil
}

// earliest and latest are the bounds of accepted times. The lower one also rejects times
// in seconds.
var (
	earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// unixMilli converts Unix milliseconds to a time, and reports whether it is within the
// bounds. If it is not, the time is zero.
func unixMilli(millis float64) (at time.Time, ok bool) {
	if math.Abs(millis) >= math.MaxInt64/2 { // the conversion would be undefined
		return time.Time{}, false
	}
	at = time.UnixMilli(int64(millis)).UTC()
	if at.Before(earliest) || !at.Before(latest) {
		return time.Time{}, false
	}
	return at, true
}
