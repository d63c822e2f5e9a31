package config

import (
	"testing"
	"time"

	"wildix-worker/consumer"
)

func TestDurationKeepsItsError(t *testing.T) {
	for text, want := range map[string]struct {
		value time.Duration
		err   string
	}{
		"":     {},
		"30s":  {value: 30 * time.Second},
		"30":   {err: `"30" has no unit: write 30s for seconds, 30m for minutes`},
		"soon": {err: `"soon" is not a duration such as 30s or 5m`},
		"0s":   {err: `"0s" is not more than 0s`},
		"-5s":  {value: -5 * time.Second, err: `"-5s" is not more than 0s`},
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d.Duration != want.value || errorText(d.Err) != want.err {
			t.Errorf("%q: %v, %v", text, d.Duration, d.Err)
		}
	}
}

func TestCountIsAtLeastOne(t *testing.T) {
	for text, want := range map[string]bool{"": true, "1": true, "64": true, "0": false, "-1": false, "1.5": false, "many": false} {
		var c Count
		if err := c.UnmarshalText([]byte(text)); err != nil || (c.Err == nil) != want {
			t.Errorf("%q: %d, %v, %v", text, c.Value, c.Err, err)
		}
	}
}

func TestRejectedPolicyDefaultsToLeave(t *testing.T) {
	for text, want := range map[string]consumer.RejectedPolicy{"": consumer.Leave, "leave": consumer.Leave, "quarantine": consumer.Quarantine, "delete": consumer.Delete} {
		var p RejectedPolicy
		if err := p.UnmarshalText([]byte(text)); err != nil || p.Err != nil || p.Value != want {
			t.Errorf("%q: %v, %v, %v", text, p.Value, p.Err, err)
		}
	}
	var p RejectedPolicy
	if err := p.UnmarshalText([]byte("drop")); err != nil || errorText(p.Err) != `"drop" is not leave, quarantine or delete` {
		t.Errorf("%v, %v", p.Err, err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
