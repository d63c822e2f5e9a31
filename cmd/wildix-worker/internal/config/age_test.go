package config

import (
	"testing"
	"time"
)

func TestAges(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "90d": 90 * 24 * time.Hour, "36h": 36 * time.Hour, "106751d": 106_751 * 24 * time.Hour} {
		var a Age
		if a.UnmarshalText([]byte(text)); a.Err != nil || a.Duration != want {
			t.Errorf("%q is %s, %v", text, a.Duration, a.Err)
		}
	}
	for text, want := range map[string]string{
		"90": `"90" has no unit: write 90d for days`, "0d": `"0d" is not more than 0d`, "-1d": `"-1d" is not more than 0d`, "old": `"old" is not an age such as 90d or 36h`,
		"1.5d": `"1.5d" is not an age such as 90d or 36h`, "999999d": `"999999d" is more than 106751 days`, "d": `"d" is not an age such as 90d or 36h`,
	} {
		var a Age
		if a.UnmarshalText([]byte(text)); a.Err == nil || a.Err.Error() != want {
			t.Errorf("%q: %v", text, a.Err)
		}
	}
}
