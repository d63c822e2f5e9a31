package events

import (
	"encoding/json"
	"strconv"
	"time"
)

// A Timestamp is a time within an event's data, in UTC to the millisecond. It
// is zero when there is none, or none that can be believed.
type Timestamp struct{ time.Time }

// MarshalJSON writes Unix milliseconds or null.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, t.UnixMilli(), 10), nil
}

// UnmarshalJSON reads Unix milliseconds between 2000 and 2100, and takes all
// else for null. It never fails on valid JSON.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	*t = Timestamp{}
	var millis float64
	if json.Unmarshal(data, &millis) == nil {
		t.Time, _ = eventTime(millis) // zero if it is not believed
	}
	return nil
}
