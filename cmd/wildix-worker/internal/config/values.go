package config

import (
	"fmt"
	"strconv"
	"time"

	"wildix-worker/consumer"
)

// The types below keep a parse error instead of returning it, so that all wrong settings can
// be reported at once. An empty text is the zero value, which stands for the default.

// A Duration is a setting such as 30s. It is more than 0, or 0 if it is not set.
type Duration struct {
	time.Duration
	Err error
}

// UnmarshalText never fails; see Err.
func (d *Duration) UnmarshalText(text []byte) error {
	*d = Duration{}
	if len(text) == 0 {
		return nil
	}
	value, err := time.ParseDuration(string(text))
	_, notNumber := strconv.ParseFloat(string(text), 64)
	switch {
	case err != nil && notNumber == nil:
		d.Err = fmt.Errorf("%q has no unit: write %[1]ss for seconds, %[1]sm for minutes", text)
	case err != nil:
		d.Err = fmt.Errorf("%q is not a duration such as 30s or 5m", text)
	case value <= 0:
		d.Err = fmt.Errorf("%q is not more than 0s", text)
	}
	d.Duration = value
	return nil
}

// A Count is a whole number from 1, or 0 if it is not set.
type Count struct {
	Value int
	Err   error
}

// UnmarshalText never fails; see Err.
func (c *Count) UnmarshalText(text []byte) error {
	*c = Count{}
	if len(text) == 0 {
		return nil
	}
	value, err := strconv.Atoi(string(text))
	if err != nil || value < 1 {
		c.Err = fmt.Errorf("%q is not a whole number from 1", text)
	}
	c.Value = value
	return nil
}

// A RejectedPolicy is the setting of what happens to rejected and malformed messages.
type RejectedPolicy struct {
	Value consumer.RejectedPolicy
	Err   error
}

// UnmarshalText never fails; see Err.
func (p *RejectedPolicy) UnmarshalText(text []byte) error {
	*p = RejectedPolicy{}
	switch string(text) {
	case "", "leave":
	case "quarantine":
		p.Value = consumer.Quarantine
	case "delete":
		p.Value = consumer.Delete
	default:
		p.Err = fmt.Errorf("%q is not leave, quarantine or delete", text)
	}
	return nil
}
