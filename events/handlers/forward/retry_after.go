package forward

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter limits the Retry-After that is honoured.
const maxRetryAfter = 5 * time.Minute

// retryAfter returns the delay of a Retry-After header, which has seconds or a date, or 0
// if it is invalid.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
