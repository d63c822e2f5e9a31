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
// [Config].Template, see package [template]. The headers are:
//
//   - X-Signature: the PBX's signature of the body or, with [Config].Secret, the
//     signature with that secret. The output of a template has a signature only if
//     Secret is set, since the PBX has not signed it.
//   - Idempotency-Key: the event's delivery key. It is the same each time the event is
//     sent, so that an endpoint can recognize a repeat.
//   - X-Wildix-Event: the event's type, such as call:end.
//   - X-Wildix-Receive-Count: how often the transport has delivered the event, from 1.
//     The header is missing if the count is unknown.
//   - X-Wildix-Replay: "true" if the event is sent again on purpose, see
//     [events.Event].Replay. Otherwise the header is missing.
//   - traceparent: the current span, if the context has one.
//   - Content-Type: that of [Config].Header, or of the template, or application/json.
//
// # The response
//
// Any 2xx status is success, as soon as the headers have arrived. The body is discarded.
// The error of a 4xx or 5xx has the first 300 characters of the answer, since there the
// reason stands: on one line, of HTML the text only. An answer is read for at most a second.
//
// 408, 425, 429, 3xx, 5xx and failures without a response may be retried. All other 4xx
// are [events.Permanent] unless [Config].RetryStatuses names them: 401, 403 and 404 are
// good candidates, since they usually mean an expired token or a changed address.
//
// Redirects are not followed: few endpoints want a POST twice, and another host must not
// get the signature or a token in a header. Set the URL to the redirect's target instead.
//
// If a response that may be retried has a Retry-After, in seconds or as a date, the error
// is [events.Unavailable] until then, for at most five minutes: the endpoint accepts no
// event before.
//
// The handler keeps no state about the endpoint and does not retry. Package route decides
// when an endpoint counts as down, and what happens to its events meanwhile.
//
// A template, and a request without a response, fail after [Config].Timeout.
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
// A URL may be a secret, as those of Slack are. Errors contain only the URL's host and
// port. Where an answer quotes the URL, a header of the configuration or the signature,
// errors have *** instead.
package forward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/template"
)

// A Handler sends events to one endpoint.
type Handler struct {
	url      *url.URL
	secret   string
	header   http.Header
	retry    []int
	timeout  time.Duration
	template *template.Template
	quoter   quoter
	client   *http.Client
	counts   responseCounts
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
	header.Set("Content-Type", cfg.contentType())
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
		quoter:   quoter{newSecrets(target, cfg.Header, cfg.Secret), cfg.Mask},
		client:   newClient(),
	}, nil
}

// Close closes idle connections. The handler must not be used afterwards.
func (h *Handler) Close() { h.client.CloseIdleConnections() }

// Responses returns how many requests were sent, by the class of the response's status: 2xx,
// 3xx, 4xx, 5xx, which has all higher ones too, and none for those without a response. All
// classes are there.
func (h *Handler) Responses() map[string]uint64 { return h.counts.byClass() }

// HandleEvent sends the event and returns nil if the endpoint responds with a 2xx
// status. If the template's output is empty, it sends nothing and returns
// [events.ErrNoHandler].
func (h *Handler) HandleEvent(ctx context.Context, e *events.Event) error {
	body, err := h.body(ctx, e)
	if errors.Is(err, events.ErrNoHandler) {
		return err
	}
	if err == nil {
		err = h.send(ctx, e, body)
	}
	if err != nil {
		return fmt.Errorf("forward to %s: %w", h.url.Host, err)
	}
	return nil
}

// Request returns the request that HandleEvent sends for an event, and sends nothing. Its
// errors are those of the template, and [events.ErrNoHandler] if the output is empty.
func (h *Handler) Request(ctx context.Context, e *events.Event) (*http.Request, error) {
	body, err := h.body(ctx, e)
	if err != nil {
		return nil, err
	}
	return h.request(ctx, e, body)
}

// body returns the request body.
func (h *Handler) body(ctx context.Context, e *events.Event) ([]byte, error) {
	if h.template == nil {
		return e.Raw, nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	body, err := h.template.Render(ctx, e)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("the template was stopped: %w", context.Cause(ctx))
	case err != nil:
		return nil, events.Permanent(err)
	case len(body) == 0:
		return nil, events.ErrNoHandler
	case isJSON(h.header.Get("Content-Type")) && !json.Valid(body):
		return nil, events.Permanent(template.ErrNotJSON)
	default:
		return body, nil
	}
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
	h.counts.add(resp)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%w: %w", errCancelled, context.Cause(ctx))
	case err != nil:
		return transportError(err)
	}
	return h.responseError(resp, finish(resp, cancel))
}
