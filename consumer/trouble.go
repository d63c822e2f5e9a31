package consumer

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// trouble turns the failures and successes of one kind of call into one log
// line a change of state: when it starts to fail, when it fails for another
// reason, and when it works again.
type trouble struct {
	log       *zap.Logger
	operation string

	mu       sync.Mutex
	code     string // of the last failure; "" while all is well
	since    time.Time
	failures int // in a row
}

// failed returns how many failures in a row this makes.
func (t *trouble) failed(err error) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failures == 0 {
		t.since = time.Now()
	}
	t.failures++
	if code := errorCode(err); code != t.code {
		t.code = code
		t.log.Warn("SQS call failing, will go on trying",
			zap.String("operation", t.operation), zap.String("code", code), zap.Error(err))
	}
	return t.failures
}

func (t *trouble) succeeded() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failures == 0 {
		return
	}
	t.log.Info("SQS call working again", zap.String("operation", t.operation),
		zap.Int("failures", t.failures), zap.Duration("after", time.Since(t.since)))
	t.code, t.failures = "", 0
}
