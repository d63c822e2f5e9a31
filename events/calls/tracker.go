package calls

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"wildix-worker/events"
	"wildix-worker/internal/newest"
)

const (
	defaultExpiry   = 4 * time.Hour
	defaultMaxCalls = 10_000
	// endedPerLive is how many ended calls are remembered for every call that may
	// be live. One takes 27 bytes.
	endedPerLive = 10
)

// A Tracker assembles calls from their events: it knows which calls are live, and reports
// each that ends. Events may be lost, repeated or late. The zero Tracker is ready to use.
// Fields must not be changed after the first event.
//
// It is an [events.Handler] for an [events.Mux] or a destination of package route, and
// [Tracker.Track] is an [events.Middleware]. It is safe for concurrent use, and
// starts no goroutine: calls expire when a method is called.
type Tracker struct {
	// OnCallFinished, unless nil, is called when the event of a call's end arrives,
	// with what is known about the call by then. It is called once per call, from many
	// goroutines, and HandleEvent waits for it. If it fails, HandleEvent fails, and it
	// is called again when the event is delivered again.
	OnCallFinished func(context.Context, Record) error

	// Expiry is how long after its latest event a call counts as live, or an ended call
	// is remembered. It should be longer than the longest time between two events of a
	// call. 0 means four hours.
	Expiry time.Duration

	// MaxCalls is the maximum number of live calls. Beyond it, the call whose latest
	// event is the oldest is forgotten. Ten times as many ended calls are
	// remembered. 0 means 10,000; with events of usual size they all take up to
	// 20 MB.
	MaxCalls int

	// MaxText is how many bytes are kept of a text of a call, as [MaxText] says. It should
	// be at least 100, so that a call that is cut can be recognised. 0 means [MaxText],
	// which is also the maximum.
	MaxText int

	mu    sync.Mutex
	live  *simplelru.LRU[Key, *liveCall] // the oldest is the one not updated for longest
	ended *newest.Set
	read  extractor // of the event that is being added
}

// A liveCall is a call whose end has not been reported.
type liveCall struct {
	facts     Facts
	updated   time.Time // when its latest event was received
	reporting bool      // OnCallFinished runs
}

// goesOn reports whether a call is live: it has not ended, and has an event newer than
// since. A late event must not revive a call whose end was forgotten.
func (c *liveCall) goesOn(since time.Time) bool { return !c.facts.HasEnded() && c.last().After(since) }

// add merges the facts of an event into those of the call.
func (c *liveCall) add(facts *Facts) {
	merged := c.facts.Merge(*facts)
	merged.own(&c.facts)
	c.facts = merged
}

func (c *liveCall) last() time.Time { return time.UnixMilli(c.facts.Last) }

// HandleEvent adds an event to its call. It returns [events.ErrNoHandler] for an
// event that is not about a call, and fails only if OnCallFinished does.
func (t *Tracker) HandleEvent(ctx context.Context, e *events.Event) error {
	ofCall, err := t.add(ctx, e)
	if !ofCall {
		return events.ErrNoHandler
	}
	return err
}

// Track returns a handler that adds every event to its call and then calls next,
// whose result it returns. If OnCallFinished fails, next is not called.
func (t *Tracker) Track(next events.Handler) events.Handler {
	return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		if _, err := t.add(ctx, e); err != nil {
			return err
		}
		return next.HandleEvent(ctx, e)
	})
}

// Live returns the live calls, the longest first. A call whose end event was lost is among
// them until Expiry.
func (t *Tracker) Live() []Record {
	now := time.Now()
	t.mu.Lock()
	t.expire(now)
	var sorted []*Record // pointers, since a record is half a kilobyte
	for _, call := range t.live.Values() {
		if call.goesOn(now.Add(-t.expiry())) {
			record := call.facts.Record()
			sorted = append(sorted, &record)
		}
	}
	t.mu.Unlock()
	slices.SortFunc(sorted, func(a, b *Record) int { return a.Start.Compare(b.Start) })
	records := make([]Record, len(sorted))
	for i, record := range sorted {
		records[i] = *record
	}
	return records
}

// add adds an event to its call, and reports the call if it has ended. It returns false if
// the event is not about a call.
func (t *Tracker) add(ctx context.Context, e *events.Event) (ofCall bool, err error) {
	call, ofCall := t.merge(e)
	if call == nil {
		return ofCall, nil
	}
	reported := false
	defer func() { t.afterReport(call, reported) }() // also if OnCallFinished panics
	if t.OnCallFinished != nil {
		if err := t.OnCallFinished(ctx, t.record(call)); err != nil {
			return true, fmt.Errorf("finished call: %w", err)
		}
	}
	reported = true
	return true, nil
}

// merge adds an event to its call. If the end of the call must be reported now, it returns
// the call, and the caller must call afterReport.
func (t *Tracker) merge(e *events.Event) (ended *liveCall, ofCall bool) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.read.forget()
	if !t.read.read(e, t.maxText()) {
		return nil, false
	}
	t.expire(now)
	key := t.read.Key()
	call, known := t.live.Get(key) // makes it the newest
	if !known {
		if t.ended.Has(newest.KeyOf(key)) {
			return nil, true
		}
		call = &liveCall{}
	}
	call.add(&t.read.Facts)
	call.updated = now
	if !known {
		t.live.Add(call.facts.Key(), call)
	}
	if !call.facts.HasEnded() || call.reporting {
		return nil, true
	}
	call.reporting = true
	return call, true
}

// record returns the call as it is now: events may arrive while it is reported.
func (t *Tracker) record(call *liveCall) Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return call.facts.Record()
}

// afterReport must be called when OnCallFinished has returned. reported is true if it
// succeeded.
func (t *Tracker) afterReport(call *liveCall, reported bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	call.reporting = false
	if !reported {
		return
	}
	ahead := max(time.Until(call.last()), 0) // how far the PBX's clock is
	key := call.facts.Key()
	t.live.Remove(key)
	t.ended.Add(newest.KeyOf(key), ahead+t.expiry())
}

// expire forgets calls without an event for too long.
func (t *Tracker) expire(now time.Time) {
	if t.live == nil { // first use; no error, since the sizes are positive
		t.live, _ = simplelru.NewLRU[Key, *liveCall](t.maxCalls(), nil)
		t.ended = newest.New(endedPerLive * t.maxCalls())
	}
	for {
		_, call, ok := t.live.GetOldest()
		if !ok || now.Sub(call.updated) <= t.expiry() || call.reporting {
			break
		}
		t.live.RemoveOldest()
	}
}

func (t *Tracker) expiry() time.Duration {
	if t.Expiry <= 0 {
		return defaultExpiry
	}
	return t.Expiry
}

func (t *Tracker) maxCalls() int {
	if t.MaxCalls <= 0 {
		return defaultMaxCalls
	}
	return t.MaxCalls
}

func (t *Tracker) maxText() int {
	if t.MaxText <= 0 {
		return MaxText
	}
	return min(t.MaxText, MaxText)
}
