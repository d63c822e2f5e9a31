package events

import "errors"

// errEmptyMux is the error of a Mux without handlers. It is not ErrNoHandler, with which
// every message would be deleted.
var errEmptyMux = errors.New("the Mux has no handlers, register one with Handle or Fallback")

// CheckHandler returns an error if no event can be handled, because h is nil, a nil pointer
// or a nil function, or is a [Mux] without handlers.
// Transports call it when they are created, so register all handlers before.
func CheckHandler(h Handler) error {
	if h == nil {
		return errors.New("required")
	}
	if isNilPointer(h) {
		return errors.New("a nil pointer or function in an events.Handler")
	}
	if mux, ok := h.(*Mux); ok && mux.isEmpty() {
		return errEmptyMux
	}
	return nil
}
