package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An Age is a setting in days such as 90d, or a duration such as 36h. It is more than 0, or 0 if
// it is not set.
type Age struct {
	time.Duration
	Err error
}

// maxDays is the number of days in a time.Duration, which ends after 292 years.
const maxDays = 106_751

// UnmarshalText never fails; see Err.
func (a *Age) UnmarshalText(text []byte) error {
	*a = Age{}
	if len(text) == 0 {
		return nil
	}
	value, err := time.ParseDuration(string(text))
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		if n > maxDays {
			a.Err = fmt.Errorf("%q is more than %d days", text, maxDays)
			return nil
		}
		value = time.Duration(n) * 24 * time.Hour
	}
	switch _, notNumber := strconv.ParseFloat(string(text), 64); {
	case err != nil && notNumber == nil:
		a.Err = fmt.Errorf("%q has no unit: write %[1]sd for days", text)
	case err != nil:
		a.Err = fmt.Errorf("%q is not an age such as 90d or 36h", text)
	case value <= 0:
		a.Err = fmt.Errorf("%q is not more than 0d", text)
	}
	a.Duration = value
	return nil
}
