package metrics

import (
	"context"
	"time"

	"wildix-worker/events"
)

// Handler returns a middleware that measures the calls of a handler. The name is the
// value of the label "handler".
func (m *Metrics) Handler(name string) events.Middleware {
	seconds := m.handlerSeconds.WithLabelValues(name)
	failures := m.handlerFailures.WithLabelValues(name)
	running := m.handlersRunning.WithLabelValues(name)
	return func(next events.Handler) events.Handler {
		return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
			running.Inc()
			start := time.Now()
			defer func() {
				seconds.Observe(time.Since(start).Seconds())
				running.Dec()
			}()
			switch outcome, err := events.Dispatch(ctx, next, e); outcome {
			case events.Handled:
				return nil
			case events.Ignored:
				return events.ErrNoHandler
			case events.Duplicate:
				return events.ErrDuplicate
			default:
				if !events.IsHold(err) {
					failures.Inc()
				}
				return err
			}
		})
	}
}
