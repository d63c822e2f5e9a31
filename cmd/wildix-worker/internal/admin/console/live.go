package console

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/internal/newest"
)

const (
	// maxCalls is how many live calls are kept.
	maxCalls = 2000
	// maxEnded is how many calls that have ended are remembered, so that a late event does
	// not show one again, and endedFor is how long.
	maxEnded = 10 * maxCalls
	endedFor = 4 * time.Hour
	// maxUnread is how many events of a call are kept unread, and maxUnreadBytes how large the
	// unread events of all calls are.
	maxUnread      = 4
	maxUnreadBytes = 2 << 20
)

// liveCalls are the calls that have not ended. Most calls begin and end while nobody looks. So
// the bodies of a call's events are kept as they are, and the call is put together only when
// somebody looks, or when it has more events.
type liveCalls struct {
	tracker calls.Tracker // has the calls that were read

	mu     sync.Mutex
	known  *simplelru.LRU[newest.Key, *liveCall] // the oldest is the one without an event for longest
	ended  *newest.Set
	unread int  // bytes of unread bodies
	lost   bool // the tracker may have a call that is not known
}

// A liveCall has the events of a call until it is read.
type liveCall struct {
	bodies [maxUnread][]byte // of its events, which nobody changes
	count  int
	read   bool // the tracker has the call
}

func newLiveCalls() *liveCalls {
	l := &liveCalls{tracker: calls.Tracker{Expiry: endedFor, MaxCalls: maxCalls, MaxText: maxKept}, ended: newest.New(maxEnded)}
	l.known, _ = simplelru.NewLRU[newest.Key, *liveCall](maxCalls, nil) // no error, since the size is positive
	return l
}

// add adds an event to its call, if it is about one.
func (l *liveCalls) add(e *events.Event) {
	key, ends, ok := calls.KeyOf(e)
	if !ok {
		return
	}
	hash := newest.KeyOf(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	call, known := l.known.Get(hash) // makes it the newest
	switch {
	case ends:
		l.end(e, hash, call)
	case !known && l.ended.Has(hash):
	default:
		if !known {
			call = l.begin(hash)
		}
		l.addTo(call, e)
	}
}

// begin adds a call. If there are too many, the one without an event for longest is forgotten.
func (l *liveCalls) begin(hash newest.Key) *liveCall {
	if l.known.Len() == maxCalls {
		_, oldest, _ := l.known.RemoveOldest()
		l.lost = l.lost || oldest.read
		l.forget(oldest)
	}
	call := &liveCall{}
	l.known.Add(hash, call)
	return call
}

// addTo keeps the body of an event that is not the last one of its call, or adds it to a call
// that is read.
func (l *liveCalls) addTo(call *liveCall, e *events.Event) {
	if size := cap(e.Raw); !call.read && call.count < maxUnread && size <= maxBody && l.unread+size <= maxUnreadBytes {
		call.bodies[call.count] = e.Raw
		call.count++
		l.unread += size
		return
	}
	l.track(l.take(call))
	l.trackEvent(e)
}

// end forgets a call, which is nil if it is not known. An end that comes before other events
// counts too.
func (l *liveCalls) end(e *events.Event, hash newest.Key, call *liveCall) {
	if l.lost || call != nil && call.read {
		l.trackEvent(e)
	}
	if call != nil {
		l.forget(call)
		l.known.Remove(hash)
	}
	ahead := max(time.Until(e.Time), 0) // how far the PBX's clock is
	l.ended.Add(hash, ahead+endedFor)
}

func (l *liveCalls) forget(call *liveCall) {
	for _, body := range call.bodies[:call.count] {
		l.unread -= cap(body)
	}
}

// take returns the bodies of a call, which counts as read from now on.
func (l *liveCalls) take(call *liveCall) [][]byte {
	l.forget(call)
	bodies := slices.Clone(call.bodies[:call.count])
	*call = liveCall{read: true}
	return bodies
}

// track has the tracker read bodies. In which order makes no difference.
func (l *liveCalls) track(bodies [][]byte) {
	for _, body := range bodies {
		if e, err := events.Decode(body); err == nil {
			l.trackEvent(e)
		}
	}
}

// trackEvent has the tracker read an event. Without OnCallFinished, it fails only for events
// that are not about calls.
func (l *liveCalls) trackEvent(e *events.Event) { _ = l.tracker.HandleEvent(context.Background(), e) }

// live returns the live calls, the longest first. Messages do not wait while it reads.
func (l *liveCalls) live() []calls.Record {
	l.mu.Lock()
	var bodies [][]byte
	for _, call := range l.known.Values() {
		if call.count > 0 {
			bodies = append(bodies, l.take(call)...)
		}
	}
	l.mu.Unlock()
	l.track(bodies)
	return l.tracker.Live()
}
