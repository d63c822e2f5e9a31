package consumer

import (
	"errors"
	"fmt"
	"time"
)

const (
	// stuckAfter is how long a receive may be under way. It takes at most 20 s at
	// SQS, and is cancelled after 25 s.
	stuckAfter = 40 * time.Second
	// failingFor is how long receives may fail before the consumer is not ready.
	failingFor = time.Minute
)

// Healthy returns an error if a receive is stuck or a handler is overdue, and the process
// should be restarted. Failures of SQS do not count, since a restart would not help.
func (c *Consumer) Healthy() error { return healthy(c.Stats()) }

// Ready returns an error unless SQS answers receives. A consumer that makes no receives
// because all its workers are busy stays ready.
func (c *Consumer) Ready() error { return ready(c.Stats(), time.Now()) }

func healthy(s Stats) error {
	if s.OldestPoll > stuckAfter {
		return fmt.Errorf("a poll has been stuck for %s", s.OldestPoll.Round(time.Second))
	}
	if s.Overdue > 0 {
		return fmt.Errorf("%d handlers have not returned, although their contexts have ended", s.Overdue)
	}
	return nil
}

func ready(s Stats, now time.Time) error {
	switch {
	case s.Answered.IsZero():
		return errors.New("the queue has not answered yet")
	case !s.FailingSince.IsZero() && now.Sub(s.FailingSince) > failingFor, s.OldestPoll > stuckAfter:
		return fmt.Errorf("the queue has not answered for %s", now.Sub(s.Answered).Round(time.Second))
	default:
		return nil
	}
}
