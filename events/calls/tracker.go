package calls

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"wildix-worker/events"
)

const (
	defaultCallExpiry = 4 * time.Hour
	defaultMaxCalls   = 10_000
	// endsPerCall is how many ends are remembered for every call that may be
	// live. One takes a fifth of the memory.
	endsPerCall = 10
)

// A Tracker puts calls together from their events: it knows those that go on,
// and tells of each that ends. It bears events that are lost, repeated or late.
// The zero Tracker is ready; set its fields before the first event.
//
// It is a [events.Handler] to stand in a [events.Mux] or a [events.Chain], and [Tracker.Track] is a
// [events.Middleware]. It starts no goroutine: what is due is done when it is called.
type Tracker struct {
	// OnCallFinished, if not nil, is called when a call's end is seen, with
	// what is known of the call by then. It is called by many goroutines, once
	// a call, and HandleEvent waits for it. If it fails, so does the event of
	// the end, and it is called again when that is delivered again.
	OnCallFinished func(context.Context, Record) error

	// Expiry is how long a call is held to go on, or remembered to have ended,
	// when nothing more is heard of it. It should be longer than anybody talks
	// without a change. 0 is four hours.
	Expiry time.Duration

	// MaxCalls bounds how many calls are known to go on; beyond it the one that
	// was not heard of for the longest time is forgotten. Ten times as many are
	// remembered to have ended. 0 is 10,000, and all together take up to 40 MB. Of
	// events of more than 4 KiB, which is more than nearly all have, texts are cut to
	// 1,000 bytes so that it stays that.
	MaxCalls int

	mu    sync.Mutex
	live  callList[*liveCall]
	ended callList[time.Time] // until when it is remembered
}

// A callKey tells calls apart. The id is the PBX's and begins with the company,
// but nothing makes sure of it.
type callKey struct{ company, id string }

// A liveCall is a call whose end was not told of yet.
type liveCall struct {
	facts   Facts
	heard   time.Time
	telling bool // OnCallFinished runs
}

// goesOn is false of a call that has ended and is still to be told of, and of
// one that nothing newer is known of: a late event of a call whose end was
// forgotten must not bring it to life.
func (c *liveCall) goesOn(since time.Time) bool { return !c.facts.HasEnded() && c.last().After(since) }

func (c *liveCall) last() time.Time { return time.UnixMilli(c.facts.Last) }

// HandleEvent takes in an event. It returns [events.ErrNoHandler] for one that is not
// about a call, and fails only if OnCallFinished does.
func (t *Tracker) HandleEvent(ctx context.Context, e *events.Event) error {
	facts, ok := keptFacts(e)
	if !ok {
		return events.ErrNoHandler
	}
	return t.add(ctx, facts)
}

// Track lets the Tracker see all events on their way to next, whose answer
// counts unless OnCallFinished fails: then next is not called.
func (t *Tracker) Track(next events.Handler) events.Handler {
	return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		if facts, ok := keptFacts(e); ok {
			if err := t.add(ctx, facts); err != nil {
				return err
			}
		}
		return next.HandleEvent(ctx, e)
	})
}

// Live returns the calls that go on, the longest first. That they do is what
// their events say: of a call whose end was lost it is believed until Expiry.
func (t *Tracker) Live() []Record {
	now := time.Now()
	t.mu.Lock()
	t.expire(now)
	var sorted []*Record // pointers, since a record is half a kilobyte
	for _, call := range t.live.all() {
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

func (t *Tracker) add(ctx context.Context, facts Facts) error {
	key := callKey{facts.Company, facts.ID}
	record, finished := t.merge(key, facts)
	if !finished {
		return nil
	}
	done := false
	defer func() { t.told(key, done) }() // also if OnCallFinished panics
	if t.OnCallFinished != nil {
		if err := t.OnCallFinished(ctx, record); err != nil {
			return fmt.Errorf("finished call: %w", err)
		}
	}
	done = true
	return nil
}

// merge adds what an event says. If its call has ended and nobody was told of
// it, it returns the record, and [Tracker.told] has to follow.
func (t *Tracker) merge(key callKey, facts Facts) (record Record, finished bool) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	if _, ok := t.ended.get(key); ok {
		return Record{}, false
	}
	call, ok := t.live.get(key)
	if !ok {
		call = &liveCall{}
	}
	call.facts = call.facts.Merge(facts)
	call.heard = now
	t.live.put(key, call, t.maxCalls())
	if !call.facts.HasEnded() || call.telling {
		return Record{}, false
	}
	call.telling = true
	return call.facts.Record(), true
}

// told notes that OnCallFinished has returned.
func (t *Tracker) told(key callKey, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	call, ok := t.live.get(key)
	if ok {
		call.telling = false
	}
	if !done {
		return
	}
	since := time.Now()
	if ok && call.last().After(since) { // the PBX's clock is ahead
		since = call.last()
	}
	t.live.remove(key)
	key = callKey{strings.Clone(key.company), strings.Clone(key.id)} // lest they keep all that the event was decoded to
	t.ended.put(key, since.Add(t.expiry()), endsPerCall*t.maxCalls())
}

// expire forgets what has not been heard of.
func (t *Tracker) expire(now time.Time) {
	t.live.removeWhile(func(call *liveCall) bool { return now.Sub(call.heard) > t.expiry() && !call.telling })
	t.ended.removeWhile(func(until time.Time) bool { return now.After(until) })
}

func (t *Tracker) expiry() time.Duration {
	if t.Expiry <= 0 {
		return defaultCallExpiry
	}
	return t.Expiry
}

func (t *Tracker) maxCalls() int {
	if t.MaxCalls <= 0 {
		return defaultMaxCalls
	}
	return t.MaxCalls
}
