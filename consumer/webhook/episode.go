package webhook

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// calm is how long nothing must happen until an episode is over.
const calm = 10 * time.Second

// An episode logs something that should not happen, such as that a limit is reached: a line
// when it begins and one when it is over, however often it happens in between.
type episode struct {
	log           *zap.Logger
	begins, ended string // the lines
	count         string // the field of the number, in the second line

	mu       sync.Mutex
	happened int // since it began
	last     time.Time
	timer    *time.Timer // looks whether it is over; nil outside of an episode
}

func newEpisode(log *zap.Logger, begins, ended, count string) *episode {
	return &episode{log: log, begins: begins, ended: ended, count: count}
}

// happens adds one. The first writes a line with the fields.
func (e *episode) happens(fields ...zap.Field) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.happened++
	e.last = time.Now()
	if e.timer == nil {
		e.timer = time.AfterFunc(calm, e.check)
		e.log.Warn(e.begins, fields...)
	}
}

// check ends the episode if nothing has happened for a while.
func (e *episode) check() {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch left := calm - time.Since(e.last); {
	case e.timer == nil: // stopped at the same time
	case left > 0:
		e.timer.Reset(left)
	default:
		e.end()
	}
}

// stop ends the episode.
func (e *episode) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.timer != nil {
		e.end()
	}
}

// end writes the second line. e.mu is held.
func (e *episode) end() {
	e.log.Info(e.ended, zap.Int(e.count, e.happened))
	e.timer.Stop()
	e.timer, e.happened = nil, 0
}
