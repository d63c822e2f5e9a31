package fleet_test

import (
	"math"
	"time"
)

// A scaler decides how many workers run, once a minute.
type scaler struct {
	service
	desired         int
	high, low       int       // datapoints in a row above the target, or below 90 % of it
	addedAt, lessAt time.Time // when workers were last added or removed
}

// observe takes a datapoint: how many messages wait, and how many workers run.
func (s *scaler) observe(waiting, running int) {
	each := float64(waiting) / float64(max(running, 1))
	s.high, s.low = s.high+1, s.low+1
	if each <= s.target {
		s.high = 0
	}
	if each >= 0.9*s.target {
		s.low = 0
	}
	now := time.Now()
	wanted := min(max(int(math.Ceil(float64(waiting)/s.target)), s.least), s.most)
	switch {
	case s.high >= s.above && wanted > s.desired && now.Sub(s.addedAt) >= s.outCooldown:
		s.desired, s.addedAt = wanted, now
	case s.low >= s.below && wanted < s.desired && now.Sub(s.lessAt) >= s.inCooldown:
		// AWS documents only that it removes workers more gradually than it adds them.
		if !s.inAtOnce {
			wanted = max(wanted, s.desired-max(1, s.desired/10))
		}
		s.desired, s.lessAt = wanted, now
	}
}
