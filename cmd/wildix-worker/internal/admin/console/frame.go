package console

import (
	"fmt"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// A frame is what the page receives: a whole one first, then changes. Times are Unix
// milliseconds by this machine's clock, those of calls by the PBX's.
type frame struct {
	Number  uint64 `json:"number"`
	Whole   *whole `json:"whole,omitempty"`
	Now     int64  `json:"now"`
	State   string `json:"state"`
	Trouble bool   `json:"trouble"` // whether the state needs attention

	Totals [events.Outcomes]int64 `json:"totals"`
	Points []point                `json:"points"` // of the history, the newest last
	Notes  []noteRow              `json:"notes"`  // the newest last
	Calls  callChanges            `json:"calls"`
	Depths []Depth                `json:"depths"`
	Work   *work                  `json:"work,omitempty"`
}

// whole holds what does not change.
type whole struct {
	Version  string   `json:"version"`
	Started  int64    `json:"started"`
	Masked   bool     `json:"masked"`
	Queue    bool     `json:"queue"` // whether there is one
	Outcomes []string `json:"outcomes"`
	Step     int64    `json:"step"`   // of the history, in milliseconds
	Length   int      `json:"length"` // of the history, in points
	Notes    int      `json:"notes"`  // kept of each kind
}

// work holds the statistics of a queue's consumer.
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

// A frameMaker makes frames. Its methods are called one at a time.
type frameMaker struct {
	cfg     Config
	mask    mask
	started time.Time
	calls   *calls.Tracker
	recent  *recent
	rows    rows
	seen    uint64 // number of the last note in a frame
}

// next returns what has changed since the last frame.
func (m *frameMaker) next(number uint64, depths []Depth) frame {
	now := time.Now()
	f := frame{Number: number, Now: now.UnixMilli(), Depths: depths}
	f.State, f.Trouble, f.Work = m.state(now)
	live := m.calls.Live()
	f.Calls = m.rows.update(live, m.mask.callRow)
	f.Calls.Total, f.Calls.Full = len(live), len(live) >= maxCalls

	var notes []note
	f.Totals, f.Points, notes, m.seen = m.recent.after(m.seen, now, 2)
	f.Notes = m.mask.noteRows(notes)
	return f
}

// whole returns the frame for a watcher that has no other.
func (m *frameMaker) whole(f frame) frame {
	f.Whole = &whole{
		Version: m.cfg.Version, Started: m.started.UnixMilli(), Masked: !m.cfg.Unmasked, Queue: m.cfg.Stats != nil,
		Step: step.Milliseconds(), Length: steps, Notes: ringSize,
	}
	for o := range events.Outcome(events.Outcomes) {
		f.Whole.Outcomes = append(f.Whole.Outcomes, o.String())
	}
	f.Calls.Set, f.Calls.Gone = m.rows.all(), nil
	_, points, notes, _ := m.recent.after(0, time.UnixMilli(f.Now), steps)
	f.Points, f.Notes = points, m.mask.noteRows(notes)
	return f
}

// state returns the state of the program, and the statistics of the consumer if there is
// one.
func (m *frameMaker) state(now time.Time) (state string, trouble bool, w *work) {
	state = "receiving"
	if m.cfg.Stats != nil {
		state, trouble, w = m.consuming(now)
	}
	if m.cfg.Ready != nil {
		if err := m.cfg.Ready(); err != nil {
			return err.Error(), true, w
		}
	}
	return state, trouble, w
}

func (m *frameMaker) consuming(now time.Time) (state string, trouble bool, w *work) {
	s := m.cfg.Stats()
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
