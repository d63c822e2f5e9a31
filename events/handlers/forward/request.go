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

// Headers about the event.
const (
	signatureHeader = "X-Signature"
	keyHeader       = "Idempotency-Key"
	eventHeader     = "X-Wildix-Event"
	countHeader     = "X-Wildix-Receive-Count"
	replayHeader    = "X-Wildix-Replay"
)

// request returns the request for an event. Since it has an Idempotency-Key, net/http
// sends it again on another connection if the endpoint had closed an idle one.
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
	if e.Replay {
		req.Header.Set(replayHeader, "true")
	}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	return req, nil
}

// signature returns the signature of the body, or "" if there is none.
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

// isPrintable reports whether an event type, which may be any text, is allowed in a
// header. The body has it anyway.
func isPrintable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
