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

// finish reads the response body and closes it. It returns the beginning of the body of an
// error. Errors of reading don't matter: the status has arrived.
func finish(resp *http.Response, cancel context.CancelFunc) answer {
	defer resp.Body.Close()
	defer time.AfterFunc(discardTimeout, cancel).Stop()
	var a answer
	if resp.StatusCode/100 > 3 {
		var err error
		a.head, err = io.ReadAll(io.LimitReader(resp.Body, maxHead))
		a.complete = err == nil && len(a.head) < maxHead
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxDiscard)
	return a
}

// responseError returns the error for a response. It uses Go's text of the status, not
// the endpoint's, which may be anything.
func (h *Handler) responseError(resp *http.Response, a answer) error {
	status := resp.StatusCode
	if status/100 == 2 {
		return nil
	}
	err := fmt.Errorf("status %d %s", status, http.StatusText(status))
	if status/100 == 3 {
		err = fmt.Errorf("%w: redirects are not followed; set the URL of the redirect", err)
	} else if reason := h.quoter.quote(resp.Header, a, resp.Request.Header.Get(signatureHeader)); reason != "" {
		err = fmt.Errorf("%w: %s", err, reason)
	}
	if status/100 == 4 && !h.mayRetry(status) {
		return events.Permanent(err)
	}
	if asked := retryAfter(resp.Header.Get("Retry-After"), time.Now()); asked > 0 {
		return events.Unavailable(asked, err)
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
