// Package outage logs calls that are repeated until they succeed: one line per change of
// state, instead of one per failure.
package outage

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// reasonInterval is the least time between two lines about an outage whose reason changes.
const reasonInterval = time.Minute

// Config says what a Log writes.
type Config struct {
	// Logger writes the lines. It is required, and carries the fields that all
	// lines have.
	Logger *zap.Logger
	// Failing is the message of the line when calls start to fail, or fail for
	// another reason.
	Failing string
	// Level is the level of the Failing line. The zero value is info.
	Level zapcore.Level
	// Working is the message of the line, at level info, when calls succeed
	// again. If it is empty, none is written.
	Working string
	// Calm is how long after the latest failure a success ends the outage, so that a
	// server that refuses every third call does not fill the log. If it is zero, the
	// first success ends the outage.
	Calm time.Duration
	// Reason returns a short code for an error, which is the line's field
	// "code". A failure with another code than the last line's is logged too,
	// at most once a minute. If Reason is nil, there is no such field, and only the
	// first failure of an outage is logged.
	Reason func(error) string
}

// A Log follows the failures and successes of one kind of call. It is safe for
// concurrent use.
type Log struct {
	cfg Config

	mu       sync.Mutex
	failures int       // in a row
	since    time.Time // first failure of the outage; zero outside of one
	last     time.Time // latest failure
	code     string    // of the latest line
	logged   time.Time // when that was written
}

// New returns the Log of calls that have not failed.
func New(cfg Config) *Log { return &Log{cfg: cfg} }

// Failed records that a call failed, and returns the number of failures in a
// row, including this one. The fields are added to the line, if one is due.
func (l *Log) Failed(err error, fields ...zap.Field) (failures int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.failures++
	l.last = now
	var code string
	if l.cfg.Reason != nil {
		code = l.cfg.Reason(err)
		fields = append([]zap.Field{zap.String("code", code)}, fields...)
	}
	begins := l.since.IsZero()
	if begins {
		l.since = now
	}
	if begins || code != l.code && now.Sub(l.logged) >= reasonInterval {
		l.code, l.logged = code, now
		l.cfg.Logger.Log(l.cfg.Level, l.cfg.Failing, append(fields, zap.Error(err))...)
	}
	return l.failures
}

// Succeeded records that a call succeeded, and reports whether that ended an
// outage. The fields are added to the line, if one is due.
func (l *Log) Succeeded(fields ...zap.Field) (ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = 0
	if l.since.IsZero() || time.Since(l.last) < l.cfg.Calm {
		return false
	}
	if l.cfg.Working != "" {
		l.cfg.Logger.Info(l.cfg.Working, append(fields, zap.Duration("after", l.last.Sub(l.since)))...)
	}
	l.since = time.Time{}
	return true
}
