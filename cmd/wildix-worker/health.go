package main

import (
	"errors"
	"fmt"
	"time"

	"wildix-worker/consumer"
)

const (
	// stuckAfter is how long no receive takes unless it is stuck: 20 s for SQS, and
	// 5 s after which the consumer gives it up.
	stuckAfter = 40 * time.Second
	// silentAfter is how long SQS may not have answered a receive that was made.
	silentAfter = time.Minute
)

// checkHealth reports whether the pollers turn. What is wrong at SQS is not the
// worker's health: a new one would fare no better.
func checkHealth(stats func() consumer.Stats) func() error {
	return func() error {
		if s := stats(); s.OldestPoll > stuckAfter {
			return fmt.Errorf("a poll has been stuck for %s", s.OldestPoll.Round(time.Second))
		}
		return nil
	}
}

// checkReadiness reports whether SQS has answered lately. While nothing is asked of it,
// since all workers are busy, it need not.
func checkReadiness(stats func() consumer.Stats) func() error {
	return func() error {
		s := stats()
		switch {
		case s.Answered.IsZero():
			return errors.New("the queue has not answered yet")
		case s.Polls > 0 && time.Since(s.Answered) > silentAfter:
			return fmt.Errorf("the queue has not answered for %s", time.Since(s.Answered).Round(time.Second))
		default:
			return nil
		}
	}
}
