package console

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// A stage is what those who watch see. They are woken by a channel that is closed,
// so that nobody is waited for: who has missed a frame gets a whole one.
type stage struct {
	watchers int
	live     bool                   // frames are being made
	number   uint64                 // of the frame
	changed  chan struct{}          // closed when there is another frame
	change   func() ([]byte, error) // what is new in the frame, for those who have the one before
	whole    func() ([]byte, error)

	rows   rows
	seen   uint64 // number of the last note in the frame
	depths []Depth
	asking bool // for depths
}

func newStage() stage {
	return stage{changed: make(chan struct{}), rows: newRows()}
}

var errTooMany = fmt.Errorf("%d consoles are open, and that is the most; close one", maxWatchers)

// enter lets somebody watch, who has to leave.
func (c *Console) enter() error {
	c.pub.Lock()
	defer c.pub.Unlock()
	if c.stage.watchers == maxWatchers {
		return errTooMany
	}
	c.stage.watchers++
	select {
	case c.arrived <- struct{}{}:
	default: // it is known already
	}
	return nil
}

func (c *Console) leave() {
	c.pub.Lock()
	defer c.pub.Unlock()
	c.stage.watchers--
}

// next returns the frame for somebody who has seen the one of that number, nothing if
// there is none yet, and what tells of the next.
func (c *Console) next(have uint64) (frame []byte, number uint64, changed <-chan struct{}, err error) {
	c.pub.Lock()
	defer c.pub.Unlock()
	s := &c.stage
	switch {
	case !s.live || have == s.number:
		return nil, have, s.changed, nil
	case have != 0 && have == s.number-1:
		frame, err = s.change()
	default:
		frame, err = s.whole()
	}
	return frame, s.number, s.changed, err
}

// makeFrame makes the next frame, and reports whether there was anybody to make it for.
func (c *Console) makeFrame(ctx context.Context) bool {
	c.pub.Lock()
	defer c.pub.Unlock()
	s := &c.stage
	if s.live = s.watchers > 0; !s.live {
		s.change, s.whole = nil, nil
		return false
	}
	c.askDepths(ctx)
	s.number++
	f := c.frame()
	s.change = sync.OnceValues(func() ([]byte, error) { return json.Marshal(f) })
	s.whole = sync.OnceValues(func() ([]byte, error) { return json.Marshal(c.wholeFrame(f)) })
	close(s.changed)
	s.changed = make(chan struct{})
	return true
}

// askDepths has the depths asked for, unless that is under way. Nobody waits for it
// but Run.
func (c *Console) askDepths(ctx context.Context) {
	if c.cfg.Depths == nil || c.stage.asking {
		return
	}
	c.stage.asking = true
	c.asking.Go(func() {
		depths := c.cfg.Depths(ctx)
		c.pub.Lock()
		defer c.pub.Unlock()
		c.stage.depths, c.stage.asking = depths, false
	})
}
