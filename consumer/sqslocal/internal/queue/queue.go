// Package queue is the state of one SQS queue: its messages, which of them are visible, in flight or delayed, the order of FIFO
// groups, deduplication and receipt handles.
//
// A Queue has neither a lock nor a clock: callers serialize its methods and pass the time, which must not go back.
package queue

import (
	"container/heap"
	"maps"
	"strconv"
	"time"
)

// maxVisibility is how long a message can stay in flight, counted from its receive, however often its visibility timeout is extended.
const maxVisibility = 12 * time.Hour

// maxInFlight is how many messages of a queue can be in flight at once.
const maxInFlight = 120_000

// Queue is one queue.
type Queue struct {
	ids      *IDs
	number   uint64 // unique in the account; a queue created again under the same name has another
	name     string
	settings Settings
	created  time.Time
	modified time.Time

	messages  map[uint64]*item // all messages, by number
	visible   visibleList
	scheduled schedule // messages that are delayed or in flight
	inFlight  int      // scheduled messages that were received; the others are delayed
	recent    recentSends
}

// New returns an empty queue. Its messages get their numbers and ids from ids.
func New(name string, settings Settings, ids *IDs, now time.Time) *Queue {
	return &Queue{
		ids:      ids,
		number:   ids.Number(),
		name:     name,
		settings: settings,
		created:  now,
		modified: now,
		messages: make(map[uint64]*item),
		visible:  newVisibleList(settings.fifo()),
	}
}

// Name returns the name of the queue.
func (q *Queue) Name() string { return q.name }

// ARN returns the Amazon resource name of the queue.
func (q *Queue) ARN() string { return ARNPrefix + q.name }

// FIFO reports whether the queue is a FIFO queue.
func (q *Queue) FIFO() bool { return q.settings.fifo() }

// Settings returns the settings of the queue.
func (q *Queue) Settings() Settings { return q.settings }

// Configure replaces the settings of the queue.
func (q *Queue) Configure(settings Settings, now time.Time) { q.settings, q.modified = settings, now }

// Attributes returns all attributes of the queue: its settings and those that can only be read.
func (q *Queue) Attributes(now time.Time) map[string]string {
	d := q.Depth(now)
	all := maps.Clone(q.settings.attributes)
	all["QueueArn"] = q.ARN()
	all["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(q.modified.Unix(), 10)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(d.Visible)
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(d.InFlight)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(d.Delayed)
	return all
}

// Depth counts the messages of a queue by state.
type Depth struct{ Visible, InFlight, Delayed int }

// Depth counts the messages as of now.
func (q *Queue) Depth(now time.Time) Depth {
	q.advance(now)
	return Depth{Visible: q.visible.len(), InFlight: q.inFlight, Delayed: len(q.scheduled) - q.inFlight}
}

// Ready reports whether a receive would return a message.
func (q *Queue) Ready(now time.Time) bool {
	q.advance(now)
	return q.visible.ready() && !q.full()
}

// NextVisible returns when the next delayed or in-flight message becomes visible, if there is one.
func (q *Queue) NextVisible() (at time.Time, ok bool) {
	if len(q.scheduled) == 0 {
		return time.Time{}, false
	}
	return q.scheduled[0].visibleAt, true
}

func (q *Queue) full() bool { return q.inFlight >= maxInFlight }

// Purge deletes all messages. A duplicate of a deleted message is still recognized.
func (q *Queue) Purge() {
	q.messages = make(map[uint64]*item)
	q.scheduled = nil
	q.inFlight = 0
	q.visible = newVisibleList(q.FIFO())
}

// add adds a message, which becomes visible after the delay.
func (q *Queue) add(m *item, now time.Time, delay time.Duration) {
	q.messages[m.number] = m
	if delay <= 0 {
		q.visible.add(m)
		return
	}
	m.visibleAt = now.Add(delay)
	heap.Push(&q.scheduled, m)
}

// advance makes scheduled messages visible that are due.
func (q *Queue) advance(now time.Time) {
	for q.scheduled.due(now) {
		q.makeVisible(q.scheduled[0])
	}
}

// makeVisible makes a scheduled message visible.
func (q *Queue) makeVisible(m *item) {
	if m.inFlight() {
		q.inFlight--
		q.visible.finish(m)
	}
	heap.Remove(&q.scheduled, m.scheduleIndex)
	if !m.visible() { // it is both after a duplicate delivery
		q.visible.add(m)
	}
}

// remove deletes a message in any state.
func (q *Queue) remove(m *item) {
	if m.inFlight() {
		q.visible.finish(m)
	}
	if m.visible() {
		q.visible.remove(m)
	}
	q.forget(m)
}

// removeTaken deletes a message that was just taken from the visible list.
func (q *Queue) removeTaken(m *item) {
	q.visible.finish(m)
	q.forget(m)
}

func (q *Queue) forget(m *item) {
	if m.inFlight() {
		q.inFlight--
	}
	if m.scheduled() {
		heap.Remove(&q.scheduled, m.scheduleIndex)
	}
	delete(q.messages, m.number)
}

func (q *Queue) expired(m *item, now time.Time) bool { return now.Sub(m.sent) > q.settings.retention }
