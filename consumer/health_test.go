package consumer

import (
	"testing"
	"time"
)

func TestHealthAndReadiness(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		stats          Stats
		healthy, ready string // the errors
	}{
		"polling":      {stats: Stats{Polls: 1, OldestPoll: 20 * time.Second, Answered: now.Add(-20 * time.Second)}},
		"not answered": {stats: Stats{Polls: 1}, ready: "the queue has not answered yet"},
		"failing":      {stats: Stats{Answered: now.Add(-2 * time.Minute), FailingSince: now.Add(-90 * time.Second)}, ready: "the queue has not answered for 2m0s"},
		"failed once":  {stats: Stats{Polls: 1, Answered: now.Add(-2 * time.Minute), FailingSince: now.Add(-time.Second)}},
		"busy":         {stats: Stats{Answered: now.Add(-time.Hour)}},
		"busy before":  {stats: Stats{Polls: 1, OldestPoll: time.Second, Answered: now.Add(-time.Hour)}},
		"stuck": {
			stats:   Stats{Polls: 1, OldestPoll: time.Minute, Answered: now.Add(-2 * time.Minute)},
			healthy: "a poll has been stuck for 1m0s", ready: "the queue has not answered for 2m0s",
		},
	} {
		if got := text(healthy(test.stats)); got != test.healthy {
			t.Errorf("%s: healthy %q, want %q", name, got, test.healthy)
		}
		if got := text(ready(test.stats, now)); got != test.ready {
			t.Errorf("%s: ready %q, want %q", name, got, test.ready)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
