package sqscall

import (
	"time"

	"wildix-worker/internal/backoff"
)

// Backoff is the pause between calls that fail. Its maximum is small, so that calls
// succeed within seconds after SQS recovers, but still means no more than about 24 calls a
// minute.
var Backoff = backoff.Exponential{Min: 200 * time.Millisecond, Max: 5 * time.Second}
