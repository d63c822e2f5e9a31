package consumer

import (
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// waitUntil reports whether the group is done by the deadline. If not, the
// goroutine that waits stays behind as long as the group does: a handler that
// does not return can't be made to.
func waitUntil(deadline time.Time, group *sync.WaitGroup) bool {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// report logs what the run has done, and returns what it could not do.
func (c *Consumer) report(abandoned int) error {
	tally, unsettled := c.leases.summary()
	var fields []zap.Field
	for o := range events.Outcome(events.Outcomes) {
		fields = append(fields, zap.Int64(o.String(), c.counts[o].Load()))
	}
	fields = append(fields, zap.Int("deleted", tally.deleted), zap.Int("returned", tally.returned),
		zap.Int("left", tally.left), zap.Int("quarantined", tally.quarantined),
		zap.Int("leasesLost", tally.lost), zap.Int("abandoned", abandoned), zap.Int("unsettled", unsettled))
	if abandoned == 0 && unsettled == 0 {
		c.cfg.Logger.Info("drained", fields...)
		return nil
	}
	c.cfg.Logger.Error("stopped before all was done", fields...)
	return fmt.Errorf("stopped before all was done: %d handlers did not return within %s, %d deletes, give-backs or copies were not confirmed; SQS will deliver these messages again",
		abandoned, c.cfg.ShutdownTimeout, unsettled)
}
