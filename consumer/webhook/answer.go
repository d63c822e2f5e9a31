package webhook

import (
	"net/http"
	"strconv"
	"time"

	"wildix-worker/events"
)

// The bounds of what Retry-After asks for after a failure.
const (
	minRetryDelay = time.Second
	maxRetryDelay = 15 * time.Minute
)

// retryDelay is what the handler asks for, or soon: the PBX has few tries.
func retryDelay(err error) time.Duration {
	d, _ := events.RetryDelay(err)
	return min(max(d, minRetryDelay), maxRetryDelay)
}

// refuse answers with a status and its usual words, and nothing that would tell
// a forger what was wrong.
func refuse(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}

// refuseForNow asks the client to come back after d.
func refuseForNow(w http.ResponseWriter, d time.Duration) {
	seconds := int((d + time.Second - 1) / time.Second) // rounded up
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	refuse(w, http.StatusServiceUnavailable)
}
