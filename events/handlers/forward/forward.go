// Package forward sends events to an HTTP endpoint, one POST an event:
//
//	h, err := forward.New(forward.Config{URL: "https://hooks.example.com/calls"})
//	...
//	defer h.Close()
//	mux.Handle("call:*", h)
//
// # The request
//
// The body is the event as the PBX signed it, byte for byte, or the output of
// [Config].Template. The headers are:
//
//   - X-Signature: the PBX's signature of the body or, with [Config].Secret, the
//     signature under that secret. The output of a template is signed only with a
//     Secret, since the PBX has not signed it.
//   - Idempotency-Key: the event's delivery key. It is the same each time the event is
//     sent, so that an endpoint can recognise a repeat.
//   - X-Wildix-Event: the event's type, such as call:end.
//   - X-Wildix-Receive-Count: how often the transport has delivered the event, from 1.
//     Without the header, that is unknown.
//   - traceparent: the current span, if the context has one.
//   - Content-Type: application/json, unless [Config].Header has another one.
//
// # The response
//
// Any 2xx status is success, as soon as the headers have arrived. The body is discarded.
// 408, 425, 429, 3xx, 5xx and failures without a response may be retried. All other 4xx
// are [events.Permanent] unless [Config].RetryStatuses names them: 401, 403 and 404 are
// good candidates, since they usually mean an expired token or a changed address.
//
// Redirects are not followed: few endpoints want a POST twice, and another host must not
// get the signature or a token in a header. Set the URL to the redirect's target instead.
//
// If the endpoint answers with a Retry-After, in seconds or as a date, nothing is sent to
// it until then, at most for five minutes. Events that fail meanwhile ask for a longer
// delay ([events.RetryAfter]).
//
// # An endpoint that is down
//
// After five failures in a row, one event a second is sent until one succeeds. All others
// fail at once with [ErrEndpointDown], without a delay of their own: the transport's
// delay grows with the receive count, which keeps an event out of the dead-letter queue.
//
// The circuit breaker of package consumer counts these failures too, and stops receiving
// except for a probe. It tries the probe every two to four seconds, and this handler sends
// one event a second, so every try reaches the endpoint.
//
// A request without a response fails after [Config].Timeout. If an endpoint accepts
// connections but does not answer, it takes up to that long to notice that it is up again.
//
// # Addresses
//
// Connections to link-local addresses (169.254.0.0/16, fe80::/10) and to AWS's
// fd00:ec2::/32 are refused, since a cloud's metadata service hands out credentials
// there. The check is on the address that the name resolves to. Loopback and private
// networks are allowed. HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured, except for
// localhost. With a proxy, which resolves names itself, only a URL that contains such an
// address is refused.
//
// A URL may be a secret, as those of Slack are. Logs and errors contain only its host and
// port, and only the status of a response.
package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sony/gobreaker/v2"

	"wildix-worker/events"
)

// A Handler sends events to one endpoint.
type Handler struct {
	url      *url.URL
	secret   string
	header   http.Header
	retry    []int
	timeout  time.Duration
	template *Template
	client   *http.Client
	breaker  *gobreaker.CircuitBreaker[struct{}]
	cooldown cooldown
}

// New returns a handler, or an error that joins an *[events.FieldError] for each invalid
// field. Nothing is sent before the first event.
func New(cfg Config) (*Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	target, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errURL // not reached: Validate has parsed it
	}
	header := cfg.Header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	header.Set("Content-Type", contentType(header))
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", "wildix-worker")
	}
	return &Handler{
		url:      target,
		secret:   cfg.Secret,
		header:   header,
		retry:    slices.Clone(cfg.RetryStatuses),
		timeout:  cfg.Timeout,
		template: cfg.Template,
		client:   newClient(),
		breaker:  newBreaker(cfg.Logger, target.Host),
	}, nil
}

// Close closes idle connections. The handler must not be used afterwards.
func (h *Handler) Close() { h.client.CloseIdleConnections() }

// HandleEvent sends the event and returns nil if the endpoint responds with a 2xx
// status. If the template's output is empty, it sends nothing and returns
// [events.ErrNoHandler].
func (h *Handler) HandleEvent(ctx context.Context, e *events.Event) error {
	body, err := h.body(e)
	if errors.Is(err, events.ErrNoHandler) {
		return err
	}
	if err == nil {
		err = h.deliver(ctx, e, body)
	}
	if err != nil {
		return fmt.Errorf("forward to %s: %w", h.url.Host, err)
	}
	return nil
}

// body returns the request body.
func (h *Handler) body(e *events.Event) ([]byte, error) {
	if h.template == nil {
		return e.Raw, nil
	}
	body, err := h.template.render(e)
	switch {
	case err != nil:
		return nil, events.Permanent(err)
	case len(bytes.TrimSpace(body)) == 0:
		return nil, events.ErrNoHandler
	case isJSON(h.header.Get("Content-Type")):
		return body, permanent(checkJSON(body))
	default:
		return body, nil
	}
}

func permanent(err error) error {
	if err == nil {
		return nil
	}
	return events.Permanent(err)
}

// deliver sends the body, unless the endpoint is down or has asked to wait.
func (h *Handler) deliver(ctx context.Context, e *events.Event, body []byte) error {
	if left := h.cooldown.left(); left > 0 {
		return events.RetryAfter(retryDelay(left, e.ReceiveCount), errCooldown)
	}
	_, err := h.breaker.Execute(func() (struct{}, error) { return struct{}{}, h.send(ctx, e, body) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return ErrEndpointDown
	}
	return err
}

// send sends one request.
func (h *Handler) send(ctx context.Context, e *events.Event, body []byte) error {
	limited, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	req, err := h.request(limited, e, body)
	if err != nil {
		return err
	}
	resp, err := h.client.Do(req)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%w: %w", errCancelled, context.Cause(ctx))
	case err != nil:
		return transportError(err)
	}
	discard(resp, cancel)
	return h.responseError(resp, e)
}
