package email

import "wildix-worker/events"

// Compose returns the mail of an event, headers included.
func (h *Handler) Compose(e *events.Event, m Message) ([]byte, error) {
	return compose(h.from, h.to, e, m)
}
