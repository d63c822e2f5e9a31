package forward

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"wildix-worker/events"
)

const (
	// A response body is read so that the connection can be reused. One that is longer
	// or takes longer than this costs more than a new connection.
	maxDiscard     = 64 << 10
	discardTimeout = time.Second
)

// discard reads and closes the response body. Errors don't matter: the status has
// arrived.
func discard(resp *http.Response, cancel context.CancelFunc) {
	defer resp.Body.Close()
	defer time.AfterFunc(discardTimeout, cancel).Stop()
	_, _ = io.CopyN(io.Discard, resp.Body, maxDiscard)
}

// responseError returns the error for a response. It uses Go's text of the status, not
// the endpoint's, which may be anything.
func (h *Handler) responseError(resp *http.Response, e *events.Event) error {
	status := resp.StatusCode
	if status/100 == 2 {
		return nil
	}
	err := fmt.Errorf("status %d %s", status, http.StatusText(status))
	switch {
	case status/100 == 3:
		err = fmt.Errorf("%w: redirects are not followed; set the URL of the redirect", err)
	case status/100 == 4 && !h.mayRetry(status):
		return events.Permanent(err)
	}
	if asked := retryAfter(resp.Header.Get("Retry-After"), time.Now()); asked > 0 {
		h.cooldown.extend(asked)
		return events.RetryAfter(retryDelay(asked, e.ReceiveCount), err)
	}
	return err
}

func (h *Handler) mayRetry(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return slices.Contains(h.retry, status)
	}
}
