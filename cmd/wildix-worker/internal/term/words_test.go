package term

import (
	"testing"
	"time"
)

func TestDurationsAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Minute: "1m", 90 * time.Second: "1m30s", 30 * time.Second: "30s", 10 * time.Minute: "10m",
		time.Hour: "1h", 20 * time.Hour: "20h", 24 * time.Hour: "1 day", 14 * 24 * time.Hour: "14 days", 36 * time.Hour: "36h",
		time.Hour + time.Second: "1h0m1s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%s is written %q, want %q", d, got, want)
		}
	}
}

func TestBarFitsALine(t *testing.T) {
	for want, got := range map[string]string{
		"[                                        ]   0%  0 of about 0":                  Bar(0, 0, 0),
		"[====================                    ]  50%  200 of about 400, 42/s":        Bar(200, 400, 42.4),
		"[========================================] 100%  100120 of about 100000, 500/s": Bar(100120, 100000, 500),
	} {
		if got != want || len(got) > Columns {
			t.Errorf("the bar is %q, want %q", got, want)
		}
	}
}
