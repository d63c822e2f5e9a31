package console

import (
	"fmt"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// A frame is what the page receives: first a whole one, then changes. Times are Unix
// milliseconds: by the PBX's clock in calls, by this machine's elsewhere.
type frame struct {
	Number  uint64 `json:"number"`
	Whole   *whole `json:"whole,omitempty"`
	Now     int64  `json:"now"`
	State   string `json:"state"`
	Trouble bool   `json:"trouble"` // whether the state needs attention

	Totals [events.Outcomes]int64 `json:"totals"`

	Destinations []destinationRow `json:"destinations"`

	Points []point     `json:"points"` // of the history, the newest last
	Notes  []noteRow   `json:"notes"`  // not sorted
	Calls  callChanges `json:"calls"`
	Depths []Depth     `json:"depths"`
	Work   *work       `json:"work,omitempty"`

	Redrive *redriveRow `json:"redrive,omitempty"` // of dead letters, the last
	Missed  *missedList `json:"missed,omitempty"`  // if they were read since the last frame
}

// whole holds what does not change while the program runs.
type whole struct {
	Version  string   `json:"version"`
	Started  int64    `json:"started"`
	Masked   bool     `json:"masked"`
	Queue    bool     `json:"queue"` // whether the program consumes a queue
	Outcomes []string `json:"outcomes"`
	Step     int64    `json:"step"`   // of the history, in milliseconds
	Length   int      `json:"length"` // of the history, in points
	Notes    int      `json:"notes"`  // kept of successful messages, and of others

	DeadLetters bool `json:"deadLetters"` // whether they can be listed and redriven
	Missed      bool `json:"missed"`      // whether missed calls can be read
}

// work holds the statistics of a queue's consumer.
type work struct {
	InHand         int   `json:"inHand"`
	Held           int   `json:"held"`
	Overdue        int   `json:"overdue"` // handlers
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
	Answered       int64 `json:"answered"` // when SQS last answered; 0 if it has not yet
}

// A frameMaker makes frames. Its methods must not be called concurrently.
type frameMaker struct {
	cfg     Config
	mask    mask
	started time.Time
	calls   *liveCalls
	recent  *recent
	rows    rows
	rates   rates
	seen    uint64             // number of the last note in a frame
	redrive func() *redriveRow // nil without dead letters
	missed  func() *missedList // the latest
	shown   *missedList        // the last in a frame
}

// next returns what has changed since the last frame.
func (m *frameMaker) next(number uint64, depths []Depth) frame {
	now := time.Now()
	f := frame{Number: number, Now: now.UnixMilli(), Depths: depths}
	if m.cfg.Destinations != nil {
		stats := m.cfg.Destinations()
		f.Destinations = m.mask.destinationRows(stats, m.rates.next(stats, now))
	}
	f.State, f.Trouble, f.Work = m.state(now)
	if !f.Trouble {
		f.State, f.Trouble = withDestinations(f.State, f.Destinations)
	}
	if m.redrive != nil {
		f.Redrive = m.redrive()
	}
	if latest := m.missed(); latest != m.shown {
		f.Missed, m.shown = latest, latest
	}
	live := m.calls.live()
	f.Calls = m.rows.update(live, m.mask.callRow)
	f.Calls.Total, f.Calls.Full = len(live), len(live) >= maxCalls

	var notes []note
	f.Totals, f.Points, notes, m.seen = m.recent.after(m.seen, now, 2)
	f.Notes = m.mask.noteRows(notes)
	return f
}

// whole returns the frame for a watcher that does not have the previous one.
func (m *frameMaker) whole(f frame) frame {
	f.Whole = &whole{
		Version: m.cfg.Version, Started: m.started.UnixMilli(), Masked: !m.cfg.Unmasked, Queue: m.cfg.Stats != nil,
		Step: step.Milliseconds(), Length: steps, Notes: ringSize,
		DeadLetters: m.redrive != nil, Missed: m.cfg.Missed != nil,
	}
	for o := range events.Outcome(events.Outcomes) {
		f.Whole.Outcomes = append(f.Whole.Outcomes, o.String())
	}
	f.Missed = m.shown
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

// withDestinations adds the destinations that take no events to the state, and reports
// whether there are any.
func withDestinations(state string, rows []destinationRow) (_ string, trouble bool) {
	for _, row := range rows {
		if row.State != route.Up.String() {
			state += fmt.Sprintf("; %s is %s", row.Name, row.State)
			trouble = true
		}
	}
	return state, trouble
}

func (m *frameMaker) consuming(now time.Time) (state string, trouble bool, w *work) {
	s := m.cfg.Stats()
	w = &work{
		InHand: s.InHand, Held: s.Held, Overdue: s.Overdue, Polls: s.Polls,
		Deleted: s.Deleted, Returned: s.Returned, Quarantined: s.Quarantined, Left: s.Left,
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
	case !s.FailingSince.IsZero():
		return fmt.Sprintf("the queue has not answered for %s", now.Sub(s.FailingSince).Round(time.Second)), true, w
	default:
		return "consuming", false, w
	}
}
