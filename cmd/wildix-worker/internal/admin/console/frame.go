package console

import (
	"fmt"
	"time"

	"wildix-worker/events"
)

// A frame is what the page gets: a whole one first, and then what has changed. Times
// are Unix milliseconds by this machine's clock, or the PBX's where calls are meant.
type frame struct {
	Number  uint64 `json:"number"`
	Whole   *whole `json:"whole,omitempty"`
	Now     int64  `json:"now"`
	State   string `json:"state"`
	Trouble bool   `json:"trouble"` // the state is none that one wants

	Totals [events.Outcomes]int64 `json:"totals"`
	Points []point                `json:"points"` // of the history, the newest last
	Notes  []noteRow              `json:"notes"`  // the newest last
	Calls  callRows               `json:"calls"`
	Depths []Depth                `json:"depths"`
	Work   *work                  `json:"work,omitempty"`
}

// whole is what does not change.
type whole struct {
	Version  string   `json:"version"`
	Started  int64    `json:"started"`
	Masked   bool     `json:"masked"`
	Queue    bool     `json:"queue"` // there is one
	Outcomes []string `json:"outcomes"`
	Step     int64    `json:"step"`   // of the history, in milliseconds
	Length   int      `json:"length"` // of the history, in points
	Notes    int      `json:"notes"`  // that are kept of each kind
}

// callRows are the calls that are shown.
type callRows struct {
	Total int       `json:"total"`
	Full  bool      `json:"full"` // there may be more of them
	Set   []callRow `json:"set"`
	Gone  []uint64  `json:"gone"` // their numbers
}

// work is what the consumer of a queue does.
type work struct {
	InHand         int   `json:"inHand"`
	Polls          int   `json:"polls"`
	Deleted        int   `json:"deleted"`
	Returned       int   `json:"returned"`
	Quarantined    int   `json:"quarantined"`
	Left           int   `json:"left"`
	LeasesExtended int   `json:"leasesExtended"`
	LeasesLost     int   `json:"leasesLost"`
	DeletesFailed  int   `json:"deletesFailed"`
	Requests       int   `json:"requests"`
	RequestsFailed int   `json:"requestsFailed"`
	Answered       int64 `json:"answered"` // 0: not yet
}

// frame takes up what is new since the last one.
func (c *Console) frame() frame {
	s := &c.stage
	now := time.Now()
	f := frame{Number: s.number, Now: now.UnixMilli(), Depths: s.depths}
	f.State, f.Trouble, f.Work = c.state(now)
	live := c.calls.Live()
	f.Calls = s.rows.update(live, c.callRow)
	f.Calls.Total, f.Calls.Full = len(live), len(live) >= maxCalls

	c.mu.Lock()
	f.Totals = c.totals
	f.Points = c.history.since(now, 2)
	notes := append(c.trouble.after(s.seen), c.done.after(s.seen)...)
	s.seen = c.noted
	c.mu.Unlock()
	f.Notes = c.noteRows(notes)
	return f
}

// wholeFrame is the frame for somebody who has no other.
func (c *Console) wholeFrame(f frame) frame {
	f.Whole = &whole{
		Version: c.cfg.Version, Started: c.started.UnixMilli(), Masked: !c.cfg.Unmasked, Queue: c.cfg.Stats != nil,
		Step: step.Milliseconds(), Length: steps, Notes: ringSize,
	}
	for o := range events.Outcome(events.Outcomes) {
		f.Whole.Outcomes = append(f.Whole.Outcomes, o.String())
	}
	f.Calls.Set, f.Calls.Gone = c.stage.rows.all(), nil
	c.mu.Lock()
	f.Points = c.history.since(time.UnixMilli(f.Now), steps)
	notes := append(c.trouble.after(0), c.done.after(0)...)
	c.mu.Unlock()
	f.Notes = c.noteRows(notes)
	return f
}

// state says how the program is, and what the consumer does if there is one.
func (c *Console) state(now time.Time) (state string, trouble bool, w *work) {
	state = "receiving"
	if c.cfg.Stats != nil {
		state, trouble, w = c.consuming(now)
	}
	if c.cfg.Ready != nil {
		if err := c.cfg.Ready(); err != nil {
			return err.Error(), true, w
		}
	}
	return state, trouble, w
}

func (c *Console) consuming(now time.Time) (state string, trouble bool, w *work) {
	s := c.cfg.Stats()
	w = &work{
		InHand: s.InHand, Polls: s.Polls, Deleted: s.Deleted, Returned: s.Returned, Quarantined: s.Quarantined, Left: s.Left,
		LeasesExtended: s.LeasesExtended, LeasesLost: s.LeasesLost, DeletesFailed: s.DeletesFailed,
	}
	for _, r := range s.Requests {
		w.Requests += r.Succeeded + r.Failed
		w.RequestsFailed += r.Failed
	}
	if !s.Answered.IsZero() {
		w.Answered = s.Answered.UnixMilli()
	}
	switch {
	case s.Paused:
		return "paused: most messages fail, and one is tried until it succeeds", true, w
	case !s.FailingSince.IsZero():
		return fmt.Sprintf("the queue has not answered for %s", now.Sub(s.FailingSince).Round(time.Second)), true, w
	default:
		return "consuming", false, w
	}
}
