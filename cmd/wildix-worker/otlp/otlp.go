// Package otlp sends spans to an OpenTelemetry collector, as OTLP over HTTP with
// protobuf. It is used with the SDK's exporter, whose own client for HTTP brings
// gRPC along: 2.4 MB that a program which does not speak gRPC has no use for.
package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	minPause = time.Second
	maxPause = 5 * time.Second
	// maxAnswer is far more than a collector has to say.
	maxAnswer = 1 << 20
)

// A Client is an otlptrace.Client of one collector.
type Client struct {
	settings Settings
	http     *http.Client
}

// New returns a client. It makes no request.
func New(s Settings) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = s.TLS
	return &Client{settings: s, http: &http.Client{
		Transport: transport,
		// OTLP knows none, and the headers may hold a password.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Start does nothing.
func (c *Client) Start(context.Context) error { return nil }

// Stop ends connections that are idle.
func (c *Client) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces sends spans, again and again while the collector has no room or is not
// there, until the timeout.
func (c *Client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// An ExportTraceServiceRequest is on the wire what TracesData is.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err == nil && c.settings.Gzip {
		body, err = gzipped(body)
	}
	if err != nil {
		return fmt.Errorf("encode traces: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	defer cancel()
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := c.send(ctx, body)
		var again *retryError
		if err == nil || !errors.As(err, &again) {
			return err
		}
		if !sleep(ctx, max(again.after, jittered(pause))) {
			return fmt.Errorf("given up after %s: %w", c.settings.Timeout, err)
		}
	}
}

// A retryError is worth another try.
type retryError struct {
	error
	after time.Duration // at the earliest; 0 for whenever
}

func (e *retryError) Unwrap() error { return e.error }

func (c *Client) send(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.settings.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range c.settings.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if c.settings.Gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if quoting, ok := errors.AsType[*url.Error](err); ok {
			err = fmt.Errorf("%s: %w", c.settings.Endpoint(), quoting.Err)
		}
		return &retryError{error: err}
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // so that the connection is used again
	switch code := resp.StatusCode; code {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout: // OTLP's list
		return &retryError{fmt.Errorf("the collector answers %s", resp.Status), retryAfter(resp.Header)}
	default:
		return fmt.Errorf("the collector answers %s", resp.Status)
	}
}

// retryAfter reads seconds; a date is as none.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

func jittered(d time.Duration) time.Duration { return d/2 + rand.N(d/2) }

// sleep reports whether d has passed before ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func gzipped(body []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
