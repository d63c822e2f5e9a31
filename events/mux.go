package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Handler handles events.
//
// HandleEvent is called concurrently, and may be called again for an event that it has
// handled before: delivery is at least once. It returns nil when the event is handled. Any
// error means that the event must be delivered again, after a delay that grows with every
// try; [RetryAfter] sets the delay, and [Permanent] means that no other try will help. A
// panic is an error.
//
// The context ends at the handler's timeout, when the message's lease is lost, and
// when the program stops. A handler that does not return then still counts towards
// the number of events that are handled at once.
type Handler interface {
	HandleEvent(ctx context.Context, e *Event) error
}

// HandlerFunc adapts a function to a [Handler].
type HandlerFunc func(ctx context.Context, e *Event) error

// HandleEvent calls f.
func (f HandlerFunc) HandleEvent(ctx context.Context, e *Event) error { return f(ctx, e) }

// Middleware wraps a handler, to do something before or after each call, or to decide
// whether to call it.
type Middleware func(Handler) Handler

// Errors that a handler returns if it had nothing to do. The message is deleted. They must
// be returned as they are: an error that wraps or joins one of them is a failure, like
// any other.
var (
	// ErrNoHandler means that there is no handler for the event's type. The outcome
	// is [Ignored].
	ErrNoHandler = errors.New("no handler for this type of event")
	// ErrDuplicate means that the event was handled before. The outcome is
	// [Duplicate].
	ErrDuplicate = errors.New("event handled before")
)

// A Mux is a handler that passes each event to the handler of its type. The zero Mux is
// empty, and ready for handlers to be registered. Register all of them before the Mux is
// passed to a transport: a transport refuses an empty Mux, and registering is not safe
// while events are handled.
type Mux struct {
	exact    map[string]Handler
	prefixes []prefixHandler // longest first
	fallback Handler
	use      []Middleware
	wrapped  Handler // dispatch within the middleware; nil without middleware
}

type prefixHandler struct {
	prefix  string
	handler Handler
}

// Handle registers the handler for a type, such as "call:end", or for all types with
// a prefix, such as "call:*". A type takes precedence over prefixes, and a longer
// prefix over a shorter one. Handle panics if the pattern is invalid or already
// registered, or the handler is nil.
func (m *Mux) Handle(pattern string, h Handler) {
	prefix, isPrefix := strings.CutSuffix(pattern, "*")
	if pattern == "" || strings.Contains(prefix, "*") {
		panic(fmt.Sprintf("events: pattern %q: want a type, or a prefix and one * at its end", pattern))
	}
	if h == nil || isNilPointer(h) {
		panic(fmt.Sprintf("events: pattern %q: nil handler", pattern))
	}
	if isPrefix {
		m.handlePrefix(prefix, h)
		return
	}
	if m.exact[pattern] != nil {
		panic(fmt.Sprintf("events: pattern %q registered twice", pattern))
	}
	if m.exact == nil {
		m.exact = make(map[string]Handler)
	}
	m.exact[pattern] = h
}

func (m *Mux) handlePrefix(prefix string, h Handler) {
	for _, p := range m.prefixes {
		if p.prefix == prefix {
			panic(fmt.Sprintf("events: pattern %q registered twice", prefix+"*"))
		}
	}
	m.prefixes = append(m.prefixes, prefixHandler{prefix, h})
	slices.SortFunc(m.prefixes, func(a, b prefixHandler) int { return len(b.prefix) - len(a.prefix) })
}

// Fallback registers the handler for events that match no pattern. Without one, the
// result is [ErrNoHandler]. Fallback panics if the handler is a nil pointer or function.
func (m *Mux) Fallback(h Handler) {
	if isNilPointer(h) {
		panic("events: fallback: nil handler")
	}
	m.fallback = h
}

// isEmpty reports whether there is no handler for any event.
func (m *Mux) isEmpty() bool {
	return len(m.exact) == 0 && len(m.prefixes) == 0 && m.fallback == nil
}

// Use adds middleware around all handlers, the first one outermost. It runs for every
// event, including those without a handler.
func (m *Mux) Use(mw ...Middleware) {
	m.use = append(m.use, mw...)
	m.wrapped = HandlerFunc(m.dispatch)
	for _, wrap := range slices.Backward(m.use) {
		m.wrapped = wrap(m.wrapped)
	}
}

// HandleEvent calls the middleware, and in it the handler of the event's type. Without a
// handler for that, it returns [ErrNoHandler]; if the Mux is empty, another error, so that
// no message is deleted.
func (m *Mux) HandleEvent(ctx context.Context, e *Event) error {
	if m.wrapped != nil {
		return m.wrapped.HandleEvent(ctx, e)
	}
	return m.dispatch(ctx, e)
}

func (m *Mux) dispatch(ctx context.Context, e *Event) error {
	h := m.handler(e.Type)
	if h == nil && m.isEmpty() {
		return errEmptyMux
	}
	if h == nil {
		return ErrNoHandler
	}
	return h.HandleEvent(ctx, e)
}

func (m *Mux) handler(eventType string) Handler {
	if h := m.exact[eventType]; h != nil {
		return h
	}
	for _, p := range m.prefixes {
		if strings.HasPrefix(eventType, p.prefix) {
			return p.handler
		}
	}
	return m.fallback
}
