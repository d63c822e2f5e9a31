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
	// An answer is read to its end so that its connection can be used again,
	// unless it is longer than this or takes longer: then a new one costs less.
	maxAnswer  = 64 << 10
	answerTime = time.Second
)

// discard reads what follows an answer's header. The endpoint has said what it
// had to say, so it does not matter whether it comes through.
func discard(resp *http.Response, cancel context.CancelFunc) {
	defer resp.Body.Close()
	defer time.AfterFunc(answerTime, cancel).Stop()
	io.CopyN(io.Discard, resp.Body, maxAnswer)
}

// verdict is what an answer means for the event. The status's own words are
// left out: they are the endpoint's, and may be anything.
func (h *Handler) verdict(resp *http.Response, e *events.Event) error {
	status := resp.StatusCode
	if status/100 == 2 {
		return nil
	}
	err := fmt.Errorf("status %d %s", status, http.StatusText(status))
	switch {
	case status/100 == 3:
		err = fmt.Errorf("%w: redirects are not followed, set the URL that it names", err)
	case status/100 == 4 && !h.isRetried(status):
		return events.Permanent(err)
	}
	if asked := retryAfter(resp.Header.Get("Retry-After"), time.Now()); asked > 0 {
		h.hold.extend(asked)
		return events.RetryAfter(comeBackAfter(asked, e.ReceiveCount), err)
	}
	return err
}

func (h *Handler) isRetried(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return slices.Contains(h.retry, status)
	}
}
