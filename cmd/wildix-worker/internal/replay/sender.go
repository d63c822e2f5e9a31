package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wildix-worker/events"
	"wildix-worker/internal/backoff"
)

// maxTries is how often an event is tried. With the delays of a destination that says none,
// that takes about four minutes.
const maxTries = 10

var errInterrupted = errors.New("interrupted")

// A gaveUpError says that an event has failed maxTries times. Another try may help.
type gaveUpError struct{ err error }

func (e *gaveUpError) Error() string {
	return fmt.Sprintf("failed %d times, the last time: %v", maxTries, e.err)
}

// A sender sends events to a destination, and tries again if that may help.
type sender struct {
	handler events.Handler
	timeout time.Duration
	delay   backoff.Exponential
	waiting func(err error, delay time.Duration) // is called before each wait
}

// send returns nil if the destination has the event, [events.ErrNoHandler] if it has no output
// for it, an [events.Permanent] error, errInterrupted if ctx has ended and the event has
// failed, or a *gaveUpError. The end of ctx does not interrupt a try.
func (s *sender) send(ctx context.Context, e *events.Event) error {
	for try := 1; ; try++ {
		outcome, err := s.try(ctx, e)
		switch {
		case outcome == events.Ignored:
			return events.ErrNoHandler
		case outcome.Done():
			return nil
		case events.IsPermanent(err):
			return err
		case ctx.Err() != nil:
			return errInterrupted
		case try == maxTries:
			return &gaveUpError{err}
		}
		delay, ok := events.RetryDelay(err)
		if !ok {
			delay = s.delay.EqualJitter(try)
		}
		s.waiting(err, delay)
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return errInterrupted
		}
	}
}

func (s *sender) try(ctx context.Context, e *events.Event) (events.Outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	return events.Dispatch(ctx, s.handler, e)
}
