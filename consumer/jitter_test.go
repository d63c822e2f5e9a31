package consumer_test

import (
	"testing"
	"time"
)

func TestMessagesThatFailTogetherAreRetriedApart(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send(ids(100)...)
		s.start(fail)
		time.Sleep(time.Minute)
		delays := map[time.Duration]bool{} // of the third receive
		least, most := time.Hour, time.Duration(0)
		for _, entry := range s.logs.FilterMessage("message failed").All() {
			if fields := entry.ContextMap(); fields["receiveCount"] == int64(3) {
				delay := fields["retryIn"].(time.Duration)
				delays[delay] = true
				least, most = min(least, delay), max(most, delay)
			}
		}
		if len(delays) < 90 || least < 10*time.Second || least > 12*time.Second || most < 18*time.Second || most > 20*time.Second {
			t.Errorf("%d delays from %s to %s, want them to be different and from 10s to 20s", len(delays), least, most)
		}
	})
}
