package sqslocal

import (
	"container/heap"
	"container/list"
	"time"
)

// maxVisibility is the longest a message stays in flight, counted from its receive and however often that is extended.
const maxVisibility = 12 * time.Hour

// maxInFlight is how many messages of a queue can be in flight at once.
const maxInFlight = 120_000

// queue is one queue. All its methods are called with the server's lock held, and with now not before that of an earlier call.
type queue struct {
	server     *Server
	number     uint64 // unique in the server, so that handles of a deleted queue of the same name are told apart
	name       string
	fifo       bool
	attributes map[string]string // as they were set, with the defaults of those that were not
	settings   settings          // the same, read
	created    time.Time
	modified   time.Time
	deleted    bool

	messages map[uint64]*message // all of them, by number
	line     line                // the visible ones
	hidden   hiddenHeap          // the others
	inFlight int                 // how many of the hidden ones were received; the rest are delayed
	recent   recentSends         // FIFO: what was sent in the last minutes

	moves []*move // message move tasks out of this queue, the latest last

	waiters list.List   // of chan struct{}: receives that wait, the longest first
	alarm   *time.Timer // calls wake when the next hidden message becomes visible; set only while a receive waits
	alarmAt time.Time   // what alarm is set to; zero if it is not set
}

// arn is the name by which a redrive policy refers to the queue.
func (q *queue) arn() string { return arnPrefix + q.name }

// put takes in a message that is to become visible after delay.
func (q *queue) put(m *message, now time.Time, delay time.Duration) {
	q.messages[m.number] = m
	if delay <= 0 {
		q.line.add(m)
		return
	}
	m.visibleAt = now.Add(delay)
	heap.Push(&q.hidden, m)
}

// show lines up the hidden messages whose time has come.
func (q *queue) show(now time.Time) {
	for q.hidden.due(now) {
		q.unhide(q.hidden[0])
	}
}

// unhide makes a hidden message visible.
func (q *queue) unhide(m *message) {
	if m.inFlight() {
		q.inFlight--
		q.line.release(m)
	}
	heap.Remove(&q.hidden, m.heapIndex)
	if !m.visible() { // a duplicate delivery left it in line
		q.line.add(m)
	}
}

// take gives out up to limit messages and hides them for the visibility timeout. Messages on which the queue has given up are taken
// out of it on the way.
func (q *queue) take(now time.Time, limit int, visibility time.Duration) []*message {
	q.show(now)
	given := make([]*message, 0, limit)
	for len(given) < limit {
		taken := q.line.take(limit - len(given))
		if len(taken) == 0 {
			break
		}
		for _, m := range taken {
			switch {
			case now.Sub(m.sent) > q.settings.retention:
				q.discard(m)
			case q.redrive(m, now):
			default:
				q.lend(m, now, visibility)
				given = append(given, m)
			}
		}
	}
	return given
}

// lend marks a message taken from the line as received.
func (q *queue) lend(m *message, now time.Time, visibility time.Duration) {
	wasHidden := m.hidden()
	m.receives++
	m.receivesHere++
	m.lastReceived = now
	if m.firstReceived.IsZero() {
		m.firstReceived = now
	}
	m.visibleAt = now.Add(visibility)
	if wasHidden { // a duplicate delivery: the first one is in flight still
		heap.Fix(&q.hidden, m.heapIndex)
		return
	}
	heap.Push(&q.hidden, m)
	q.inFlight++
}

// redrive moves a message taken from the line to the dead-letter queue if it was received as often as the policy allows. It reports
// whether it did.
func (q *queue) redrive(m *message, now time.Time) bool {
	r := q.settings.redrive
	if r == nil || m.receivesHere < r.maxReceives {
		return false
	}
	target := q.server.queues[r.target()]
	if target == nil {
		return false // deleted since; better delivered once more than lost
	}
	q.discard(m)
	m.sourceARN = q.arn()
	m.receivesHere = 0
	if target.fifo {
		m.sent = now // as documented, the retention of a FIFO message starts anew
		m.sequence = q.server.nextNumber()
	}
	target.put(m, now, 0)
	target.wake(now)
	return true
}

// discard forgets a message that take has taken from the line.
func (q *queue) discard(m *message) {
	q.line.release(m)
	q.forget(m)
}

// remove deletes a message, wherever in the queue it is.
func (q *queue) remove(m *message) {
	if m.inFlight() {
		q.line.release(m)
	}
	if m.visible() {
		q.line.remove(m)
	}
	q.forget(m)
}

func (q *queue) forget(m *message) {
	if m.inFlight() {
		q.inFlight--
	}
	if m.hidden() {
		heap.Remove(&q.hidden, m.heapIndex)
	}
	delete(q.messages, m.number)
}

// hide sets anew until when a message in flight is hidden; zero makes it visible at once.
func (q *queue) hide(m *message, now time.Time, visibility time.Duration) {
	if visibility == 0 {
		q.unhide(m)
		return
	}
	m.visibleAt = now.Add(visibility)
	heap.Fix(&q.hidden, m.heapIndex)
}

// purge deletes all messages.
func (q *queue) purge() {
	q.messages = make(map[uint64]*message)
	q.hidden = nil
	q.inFlight = 0
	q.line = newLine(q.fifo)
}

func newLine(fifo bool) line {
	if fifo {
		return &fifoLine{groups: make(map[string]*group)}
	}
	return new(standardLine)
}

// Depth counts the messages of a queue, as the ApproximateNumberOfMessages attributes do.
type Depth struct {
	Visible  int // ready to be received; on a FIFO queue also those that wait for others of their group
	InFlight int // received, neither deleted nor visible again
	Delayed  int // sent, not yet visible for the first time
}

// Depth counts the messages of the queue as of now; all counts are zero if there is no such queue.
func (s *Server) Depth(queueName string) Depth {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[queueName]
	if q == nil {
		return Depth{}
	}
	return q.depth(time.Now())
}

func (q *queue) depth(now time.Time) Depth {
	q.show(now)
	return Depth{Visible: q.line.len(), InFlight: q.inFlight, Delayed: len(q.hidden) - q.inFlight}
}
