package events

import (
	"context"
	"errors"
	"time"
)

// Chain returns a handler that calls all handlers with each event, in this order.
//
// A handler is called even if an earlier one failed, so that an outage of what one depends
// on does not affect the others. For the same reason, each gets an equal share of the time
// until the context's deadline: of three, the first gets a third, and the last all that is
// left. After the context has ended, for example because the program stops, no further
// handler is called.
//
// The result is nil if at least one handler returned nil and none failed, [ErrDuplicate]
// if instead at least one returned that, and [ErrNoHandler] if all returned that. The
// errors of several handlers are joined, so the failure is [Permanent] only if no other
// handler failed. When the event is delivered again, all handlers are called again;
// package once skips those that have succeeded.
//
// Chain panics if there are no handlers: every event would be lost.
func Chain(handlers ...Handler) Handler {
	if len(handlers) == 0 {
		panic("events: chain without handlers")
	}
	if len(handlers) == 1 {
		return handlers[0]
	}
	return chain(handlers)
}

type chain []Handler

func (c chain) HandleEvent(ctx context.Context, e *Event) error {
	var failures []error
	var handled, duplicate bool
	for i, h := range c {
		if ctx.Err() != nil {
			failures = append(failures, context.Cause(ctx))
			break
		}
		switch outcome, err := dispatchShare(ctx, len(c)-i, h, e); outcome {
		case Handled:
			handled = true
		case Duplicate:
			duplicate = true
		case Ignored:
		default:
			failures = append(failures, err)
		}
	}
	switch {
	case len(failures) == 1:
		return failures[0]
	case len(failures) > 1:
		return errors.Join(failures...)
	case handled:
		return nil
	case duplicate:
		return ErrDuplicate
	default:
		return ErrNoHandler
	}
}

// dispatchShare calls the handler with an equal share of the time that is left for the
// given number of handlers.
func dispatchShare(ctx context.Context, left int, h Handler, e *Event) (Outcome, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		limited, cancel := context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
		ctx = limited
	}
	return Dispatch(ctx, h, e)
}
