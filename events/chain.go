package events

import (
	"context"
	"errors"
)

// Chain returns a handler that gives each event to all handlers, in this order.
// One that fails does not keep the event from those after it, unless the
// context has ended: an outage of what one of them depends on must not starve
// the rest.
//
// It returns nil if one handled the event and none failed, [ErrDuplicate] if
// none had anything left to do, and [ErrNoHandler] if none was for the event's
// type. Errors of several handlers are joined, so the event is [Permanent]ly
// failed only if no other handler wants it again. When it comes again, all
// handlers get it again; package once leaves out those that had succeeded.
func Chain(handlers ...Handler) Handler {
	if len(handlers) == 1 {
		return handlers[0]
	}
	return chain(handlers)
}

type chain []Handler

func (c chain) HandleEvent(ctx context.Context, e *Event) error {
	var failures []error
	var handled, repeated bool
	for _, h := range c {
		if ctx.Err() != nil {
			failures = append(failures, context.Cause(ctx))
			break
		}
		switch outcome, err := Dispatch(ctx, h, e); outcome {
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
