package webhook

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	// logWindow is the time that one summary is about.
	logWindow = 10 * time.Second
	// logLines is how many requests of a window have a line each.
	logLines = 5
	// logReasons is how many reasons a summary tells apart.
	logReasons = 16
)

// A summaryLog keeps what anybody can send from filling the log: the first few requests of
// ten seconds have a line each, and one more line counts the others.
type summaryLog struct {
	log     *zap.Logger
	level   zapcore.Level
	message string // of the line that counts

	mu     sync.Mutex
	lines  int            // of this window
	others map[string]int // requests of this window without a line, by reason
	timer  *time.Timer    // ends the window; nil outside of one
}

func newSummaryLog(log *zap.Logger, level zapcore.Level, message string) *summaryLog {
	return &summaryLog{log: log, level: level, message: message}
}

// admit reports whether a request should have a line of its own. Otherwise it counts it.
func (l *summaryLog) admit(reason string) bool {
	if !l.log.Core().Enabled(l.level) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		l.timer = time.AfterFunc(logWindow, l.flush)
	}
	if l.lines < logLines {
		l.lines++
		return true
	}
	if l.others == nil {
		l.others = make(map[string]int)
	}
	if _, known := l.others[reason]; !known && len(l.others) == logReasons {
		reason = "other"
	}
	l.others[reason]++
	return false
}

// flush ends the window, and writes a line about the requests that have none.
func (l *summaryLog) flush() {
	l.mu.Lock()
	others := l.others
	if l.timer != nil {
		l.timer.Stop()
	}
	l.lines, l.others, l.timer = 0, nil, nil
	l.mu.Unlock()
	var requests int
	for _, n := range others {
		requests += n
	}
	if requests > 0 {
		l.log.Log(l.level, l.message, zap.Int("requests", requests), zap.Any("reasons", others))
	}
}
