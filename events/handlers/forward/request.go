package forward

import (
	"bytes"
	"context"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/propagation"

	"wildix-worker/events"
	"wildix-worker/signature"
)

// The headers that tell of the event.
const (
	signatureHeader = "X-Signature"
	keyHeader       = "Idempotency-Key"
	eventHeader     = "X-Wildix-Event"
	countHeader     = "X-Wildix-Receive-Count"
)

// request makes the request for an event. Since it has an Idempotency-Key,
// net/http sends it again by itself when it turns out that the endpoint had
// closed the connection it was sent on.
func (h *Handler) request(ctx context.Context, e *events.Event, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errURL
	}
	req.Header = h.header.Clone()
	req.Header.Set(keyHeader, e.DeliveryKey())
	if sig := h.signature(e, body); sig != "" {
		req.Header.Set(signatureHeader, sig)
	}
	if isPrintable(e.Type) {
		req.Header.Set(eventHeader, e.Type)
	}
	if e.ReceiveCount > 0 {
		req.Header.Set(countHeader, strconv.Itoa(e.ReceiveCount))
	}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	return req, nil
}

// signature is that of the body, if there is one.
func (h *Handler) signature(e *events.Event, body []byte) string {
	switch {
	case h.secret != "":
		return signature.Sign(h.secret, body)
	case h.template == nil:
		return e.Signature
	default:
		return ""
	}
}

// isPrintable reports whether a type may stand in a header. A type is any
// text; those that may not are in the body still.
func isPrintable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
