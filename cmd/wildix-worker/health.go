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
	// failingFor is how long receives may fail before the worker is not ready.
	failingFor = time.Minute
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

// checkReadiness reports whether SQS answers receives. While none is made, since all
// workers are busy, it need not.
func checkReadiness(stats func() consumer.Stats) func() error {
	return func() error {
		s := stats()
		switch {
		case s.Answered.IsZero():
			return errors.New("the queue has not answered yet")
		case !s.FailingSince.IsZero() && time.Since(s.FailingSince) > failingFor, s.OldestPoll > stuckAfter:
			return fmt.Errorf("the queue has not answered for %s", time.Since(s.Answered).Round(time.Second))
		default:
			return nil
		}
	}
}
