package events

import (
	"context"
	"errors"
	"time"
)

// Chain returns a handler that gives each event to all handlers, in this order.
// One that fails does not keep the event from those after it: an outage of what
// one of them depends on must not starve the rest. For the same reason each gets
// no more than its share of the time that is left until the context's deadline: of
// three the first a third, and the last all there is by then. Only when the context
// has ended, as at a stop, those that have not begun are left out.
//
// It returns nil if one handled the event and none failed, [ErrDuplicate] if
// none had anything left to do, and [ErrNoHandler] if none was for the event's
// type. Errors of several handlers are joined, so the event is [Permanent]ly
// failed only if no other handler wants it again. When it comes again, all
// handlers get it again; package once leaves out those that had succeeded.
//
// A chain of no handlers panics: it would have every event thrown away.
func Chain(handlers ...Handler) Handler {
	if len(handlers) == 0 {
		panic("events: a chain of no handlers")
	}
	if len(handlers) == 1 {
		return handlers[0]
	}
	return chain(handlers)
}

type chain []Handler

func (c chain) HandleEvent(ctx context.Context, e *Event) error {
	var failures []error
	var handled, repeated bool
	for i, h := range c {
		if ctx.Err() != nil {
			failures = append(failures, context.Cause(ctx))
			break
		}
		switch outcome, err := dispatchWithin(ctx, len(c)-i, h, e); outcome {
		case Handled:
			handled = true
		case Duplicate:
			repeated = true
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
	case repeated:
		return ErrDuplicate
	default:
		return ErrNoHandler
	}
}

// dispatchWithin gives the handler its share of the time that is left for so many.
func dispatchWithin(ctx context.Context, left int, h Handler, e *Event) (Outcome, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		limited, cancel := context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
		ctx = limited
	}
	return Dispatch(ctx, h, e)
}
