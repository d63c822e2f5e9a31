package sqscall

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// calmTime is how long a kind of call must not fail to count as working
	// again: a server that refuses every third call would fill the log.
	calmTime = 5 * time.Second
	// codeTime is how long another error code is not worth another line.
	codeTime = time.Minute
)

// A Trouble turns the failures and successes of one kind of call into one log
// line a change of state: when it starts to fail, when it fails for another
// reason, and when it works again.
type Trouble struct {
	log       *zap.Logger
	operation string

	mu       sync.Mutex
	failures int       // in a row
	since    time.Time // when it started to fail; zero while all is well
	last     time.Time // when it last failed
	code     string    // of the failure that was logged
	logged   time.Time
}

// NewTrouble returns the Trouble of calls that all do the same, in a word such
// as "receive".
func NewTrouble(log *zap.Logger, operation string) *Trouble {
	return &Trouble{log: log, operation: operation}
}

// Failed notes a failure, and returns how many failures in a row this makes.
func (t *Trouble) Failed(err error) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.failures++
	t.last = now
	begins := t.since.IsZero()
	if begins {
		t.since = now
	}
	if code := ErrorCode(err); begins || code != t.code && now.Sub(t.logged) >= codeTime {
		t.code, t.logged = code, now
		t.log.Warn("SQS call failing, will go on trying",
			zap.String("operation", t.operation), zap.String("code", code), zap.Error(err))
	}
	return t.failures
}

// Succeeded notes a success.
func (t *Trouble) Succeeded() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = 0
	if t.since.IsZero() || time.Since(t.last) < calmTime {
		return
	}
	t.log.Info("SQS call working again", zap.String("operation", t.operation), zap.Duration("after", t.last.Sub(t.since)))
	t.since = time.Time{}
}
