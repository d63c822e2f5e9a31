package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Handler does something with an event.
//
// HandleEvent is called for many events at once, and again for an event that
// it has seen: delivery is at least once. The event is done with when it
// returns nil; any error means that it is to be delivered again, after a delay
// that grows with every try. [RetryAfter] and [Permanent] say more precisely
// what to do. A panic is an error.
//
// The context ends at the handler's time limit, when the event's lease was
// lost, and when the program must stop; a handler that goes on regardless
// keeps its place among the events that are handled at once.
type Handler interface {
	HandleEvent(ctx context.Context, e *Event) error
}

// HandlerFunc makes a handler of a function.
type HandlerFunc func(ctx context.Context, e *Event) error

// HandleEvent calls f.
func (f HandlerFunc) HandleEvent(ctx context.Context, e *Event) error { return f(ctx, e) }

// Middleware wraps a handler: to look at what goes in and out, or to decide
// that an event need not go in.
type Middleware func(Handler) Handler

// What a handler returns, and no error wraps together with another one, when
// there was nothing to do: the event counts as ignored or duplicate, and its
// message is deleted.
var (
	// ErrNoHandler: there is no handler for the event's type.
	ErrNoHandler = errors.New("no handler for this type of event")
	// ErrDuplicate: the event had its effect before.
	ErrDuplicate = errors.New("event handled before")
)

// A Mux is a handler that hands an event to the handler of its type. The zero
// Mux has no handlers and is ready for them. Register everything before the
// first event: registering is not safe while events are handled.
type Mux struct {
	exact    map[string]Handler
	prefixes []prefixHandler // longest first
	fallback Handler
	use      []Middleware
	chain    Handler // middleware around dispatch; nil without middleware
}

type prefixHandler struct {
	prefix  string
	handler Handler
}

// Handle registers the handler for a type ("call:end") or, with a * at the
// end, for all types with a prefix ("call:*"). The type itself goes before
// prefixes, and a longer prefix before a shorter one. As with
// http.ServeMux, an unusable pattern or one that is taken panics.
func (m *Mux) Handle(pattern string, h Handler) {
	prefix, isPrefix := strings.CutSuffix(pattern, "*")
	if pattern == "" || strings.Contains(prefix, "*") {
		panic(fmt.Sprintf("events: pattern %q: want a type, or a prefix and one * at its end", pattern))
	}
	if h == nil {
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

// Fallback registers the handler of events that no pattern fits. Without one
// they end in [ErrNoHandler].
func (m *Mux) Fallback(h Handler) { m.fallback = h }

// Use puts middleware around all handlers, the first one outermost. It runs
// for every event, also for one that then has no handler.
func (m *Mux) Use(mw ...Middleware) {
	m.use = append(m.use, mw...)
	m.chain = HandlerFunc(m.dispatch)
	for _, wrap := range slices.Backward(m.use) {
		m.chain = wrap(m.chain)
	}
}

// HandleEvent calls the handler of the event's type through the middleware,
// or returns [ErrNoHandler].
func (m *Mux) HandleEvent(ctx context.Context, e *Event) error {
	if m.chain != nil {
		return m.chain.HandleEvent(ctx, e)
	}
	return m.dispatch(ctx, e)
}

func (m *Mux) dispatch(ctx context.Context, e *Event) error {
	h := m.handler(e.Type)
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
