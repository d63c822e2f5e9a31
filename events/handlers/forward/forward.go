// Package forward is the handler that sends events to an HTTP endpoint, one
// POST an event:
//
//	h, err := forward.New(forward.Config{URL: "https://hooks.example.com/calls"})
//	...
//	defer h.Close()
//	mux.Handle("call:*", h)
//
// # The request
//
// The body is the event as the PBX signed it, byte by byte, or what
// [Config].Template makes of it. With it go these headers:
//
//   - X-Signature: the PBX's signature of the body, or with [Config].Secret the
//     signature under that secret. What a template made carries no signature
//     unless there is a Secret, since the PBX has not signed it.
//   - Idempotency-Key: the event's delivery key. It is the same whenever the
//     event is sent again, so an endpoint that must not act twice on one event
//     remembers it.
//   - X-Wildix-Event: the event's type, such as call:end.
//   - X-Wildix-Receive-Count: how often the transport has delivered the event,
//     from 1; without the header it does not know.
//   - traceparent: the span of the call, if the context has one.
//   - Content-Type: application/json, unless [Config].Header has another one.
//
// # The answer
//
// Any 2xx is success, once its header is there: what follows is thrown away.
// 408, 425, 429, 3xx, 5xx and every failure to get an answer are worth another
// try. All other 4xx are [events.Permanent], unless [Config].RetryStatuses names
// them: 401, 403 and 404 are good candidates, as they mostly tell of a token that
// has expired or an address that has changed, and not of the event.
//
// Redirects are not followed, wherever they lead: few endpoints mean to have a
// POST sent twice, and the signature and a token in a header are not for others.
// Set the URL that the redirect names.
//
// When the endpoint asks for time by a Retry-After, as seconds or as a date, it
// gets it, up to five minutes: nothing is sent to it before, and the events ask to
// come back later than that ([events.RetryAfter]).
//
// # A dead endpoint
//
// After five failures in a row nothing is sent but for one event a second, until
// one gets through. The others fail at once with [ErrEndpointDown], and with no
// wish for a delay: the transport's own grows with each receive, which is what
// keeps an event out of the dead-letter queue, whereas a short one would spend its
// receives.
//
// Package consumer's breaker takes that for the failure that it is, and stops
// receiving but for a probe. This handler's breaker is open for a second only and
// the probe is tried every two to four, so that each try reaches the endpoint, and
// the first that gets through ends both pauses.
//
// A request that gets no answer is given up after [Config].Timeout. An endpoint
// that takes requests and does not answer therefore holds up its own return by as
// much.
//
// # Where to
//
// Link-local addresses (169.254.0.0/16, fe80::/10) and AWS's fd00:ec2::/32 are
// never connected to: there the cloud's metadata service hands out credentials.
// The address that is dialled is checked, after the name has been resolved.
// Loopback and private networks are allowed. A proxy of the environment
// (HTTPS_PROXY, HTTP_PROXY, NO_PROXY) is used, except for localhost. The proxy
// resolves the name then, so only a URL that has such an address in it is refused,
// and the rest is up to the proxy.
//
// A URL may be a secret, as Slack's is. Logs and errors name its host and port and
// nothing else of it, nor anything that the endpoint answered but the status.
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
	hold     hold
}

// New returns a handler. The error names every fault of the configuration, one
// a line; nothing is sent before the first event.
func New(cfg Config) (*Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	target, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errURL // which Validate has said
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

// Close closes the connections that wait for the next event. The handler is not
// used after it.
func (h *Handler) Close() { h.client.CloseIdleConnections() }

// HandleEvent sends the event, and returns nil once the endpoint has answered
// that it took it. When the template makes nothing of the event it returns
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

// body is what is to be sent of the event.
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

// deliver sends the body, unless the endpoint is to be left alone.
func (h *Handler) deliver(ctx context.Context, e *events.Event, body []byte) error {
	if left := h.hold.left(); left > 0 {
		return events.RetryAfter(comeBackAfter(left, e.ReceiveCount), errHeld)
	}
	_, err := h.breaker.Execute(func() (struct{}, error) { return struct{}{}, h.send(ctx, e, body) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return ErrEndpointDown
	}
	return err
}

// send makes the request.
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
		return fmt.Errorf("%w: %w", errCalledOff, context.Cause(ctx))
	case err != nil:
		return transportError(err)
	}
	discard(resp, cancel)
	return h.verdict(resp, e)
}
