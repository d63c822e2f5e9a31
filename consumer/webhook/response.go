package webhook

import (
	"net/http"
	"strconv"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// The least and greatest delay that Retry-After asks for.
const (
	minRetryDelay = time.Second
	maxRetryDelay = 15 * time.Minute
)

// writeResult answers a request by the outcome of its event.
func writeResult(w http.ResponseWriter, result consumer.Result) {
	switch {
	case result.Outcome.Done():
		w.WriteHeader(http.StatusNoContent)
	case result.Outcome == events.Rejected:
		writeError(w, http.StatusUnauthorized)
	case result.Outcome == events.Malformed:
		writeError(w, http.StatusBadRequest)
	case events.IsPermanent(result.Err):
		writeError(w, http.StatusUnprocessableEntity)
	default:
		writeUnavailable(w, retryDelay(result.Err))
	}
}

// retryDelay is the delay that the handler asks for, within bounds. By default it
// is the shortest, since the PBX tries only a few times.
func retryDelay(err error) time.Duration {
	d, _ := events.RetryDelay(err)
	return min(max(d, minRetryDelay), maxRetryDelay)
}

// writeError answers with a status and its standard text only: the answer must not
// help to forge a signature.
func writeError(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}

// writeUnavailable answers 503 and asks the client to try again after d.
func writeUnavailable(w http.ResponseWriter, d time.Duration) {
	seconds := int((d + time.Second - 1) / time.Second) // rounded up
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	writeError(w, http.StatusServiceUnavailable)
}
