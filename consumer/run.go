package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// Run consumes until ctx ends, and then drains: polling ends at once, running handlers
// have until the shutdown timeout to return, handled messages are deleted, and all others
// are returned to the queue.
//
// Failures of AWS do not end it; it tries again until AWS works. Run returns nil after a
// clean drain. It returns an error if a handler did not return, even after its context
// ended, or a message could not be settled. SQS delivers such a message again, so none is
// lost. Run can be called once.
func (c *Consumer) Run(ctx context.Context) error {
	if c.ran.Swap(true) {
		return errors.New("consumer: Run called a second time")
	}
	detached := context.WithoutCancel(ctx)
	handlers, cancelHandlers := context.WithCancelCause(detached)
	defer cancelHandlers(nil)
	calls, cancelCalls := context.WithCancel(detached)
	defer cancelCalls()

	var polling, settling sync.WaitGroup
	settling.Go(func() { c.settler.Run(calls) })
	c.handlers = handlers
	c.workers.start(c.worker)
	polling.Go(func() { c.pollers.Run(ctx, c.deliver) })
	c.cfg.Logger.Info("consuming", zap.String("queue", c.cfg.QueueURL), zap.Int("concurrency", c.budget.Slots()))

	<-ctx.Done()
	stopped := time.Now()
	c.cfg.Logger.Info("stopping", zap.Duration("shutdownTimeout", c.cfg.ShutdownTimeout))
	c.workers.stop()
	c.late.wait()
	close(c.stopping)
	c.settler.Hurry()
	polling.Wait() // or the last polls would receive again what is returned
	returned := c.returnHeld()
	c.restarts.Wait()
	close(c.work)
	if !waitUntil(stopped.Add(c.cfg.ShutdownTimeout), &c.workers.group) {
		cancelHandlers(ErrStopping)
		waitUntil(time.Now().Add(cancelTime), &c.workers.group)
	}
	abandoned := c.settler.Abandon()
	c.settler.Close()
	settled := time.Now().Add(settleTime)
	if end := stopped.Add(c.cfg.ShutdownTimeout); returned > 0 && end.After(settled) {
		settled = end // thousands of held messages take a while
	}
	if !waitUntil(settled, &settling) {
		cancelCalls()
		settling.Wait()
	}
	return c.report(abandoned)
}

// waitUntil waits for the group until the deadline, and reports whether it is done. If
// not, its goroutine runs until it is.
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

// report logs the totals of the run, and returns an error if it was not clean.
func (c *Consumer) report(abandoned int) error {
	stats := c.settler.Stats()
	var fields []zap.Field
	for o := range events.Outcome(events.Outcomes) {
		fields = append(fields, zap.Int64(o.String(), c.counts[o].Load()))
	}
	fields = append(fields, zap.Int("deleted", stats.Deleted), zap.Int("returned", stats.Returned),
		zap.Int("left", stats.Left), zap.Int("quarantined", stats.Quarantined),
		zap.Int("leasesLost", stats.Lost), zap.Int("abandoned", abandoned), zap.Int("unsettled", stats.Unsettled))
	if abandoned == 0 && stats.Unsettled == 0 {
		c.cfg.Logger.Info("drained", fields...)
		return nil
	}
	c.cfg.Logger.Error("stopped before all was done", fields...)
	return fmt.Errorf("stopped before all was done: %d handlers did not return within %s, %d messages were not settled; SQS will deliver these messages again",
		abandoned, c.cfg.ShutdownTimeout, stats.Unsettled)
}
