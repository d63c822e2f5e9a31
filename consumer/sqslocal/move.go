package sqslocal

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// maxMoveRate is the most messages a second that a move can be told to move, and how many it moves if it is told nothing.
const maxMoveRate = 500

// moveStatus is how far a move is, in SQS's words.
type moveStatus string

const (
	moveRunning    moveStatus = "RUNNING"
	moveCancelling moveStatus = "CANCELLING" // until the message that is being moved is moved
	moveCancelled  moveStatus = "CANCELLED"
	moveCompleted  moveStatus = "COMPLETED"
	moveFailed     moveStatus = "FAILED"
)

// move is a message move task: it takes the visible messages out of a dead-letter queue, one at a time, and sends them to where they
// came from or to a queue of their own choice. The server's lock guards it.
type move struct {
	source         *queue
	destinationARN string // empty: to where each message came from
	handle         string
	rate           int // messages a second; zero if none was asked for
	toMove, moved  int
	started        time.Time
	status         moveStatus
	failure        string      // why, in a word of SQS
	next           *time.Timer // runs step
}

func (m *move) active() bool { return m.status == moveRunning || m.status == moveCancelling }

// pause is the time from one message to the next.
func (m *move) pause() time.Duration {
	if m.rate == 0 {
		return time.Second / maxMoveRate
	}
	return time.Second / time.Duration(m.rate)
}

// startMove begins a move. It returns before the first message is moved.
func (q *queue) startMove(destinationARN string, rate int, now time.Time) *move {
	m := &move{
		source: q, destinationARN: destinationARN, rate: rate,
		handle: moveHandle(q.server.newID(), q.arn()),
		toMove: q.depth(now).Visible, started: now, status: moveRunning,
	}
	m.next = time.AfterFunc(m.pause(), m.step)
	q.moves = append(q.moves, m)
	return m
}

// moveHandle names a task as SQS does.
func moveHandle(id, sourceARN string) string {
	text, err := json.Marshal(map[string]string{"taskId": id, "sourceArn": sourceARN})
	if err != nil {
		panic("sqslocal: " + err.Error()) // texts always can be encoded
	}
	return base64.StdEncoding.EncodeToString(text)
}

// step moves one message, and sees to the next.
func (m *move) step() {
	s := m.source.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return
	}
	now := time.Now()
	switch m.source.show(now); {
	case m.source.deleted:
		m.fail("AWS.SimpleQueueService.NonExistentQueue")
	case m.status == moveCancelling:
		m.status = moveCancelled
	case !m.source.line.ready():
		m.status = moveCompleted
	default:
		m.one(now)
	}
	if m.active() {
		m.next.Reset(m.pause())
	}
}

func (m *move) fail(reason string) { m.status, m.failure = moveFailed, reason }

// one moves the message whose turn it is.
func (m *move) one(now time.Time) {
	msg := m.source.line.take(1)[0]
	if now.Sub(msg.sent) > m.source.settings.retention {
		m.source.discard(msg)
		return
	}
	arn := m.destinationARN
	if arn == "" {
		arn = msg.sourceARN
	}
	target := m.source.server.queues[strings.TrimPrefix(arn, arnPrefix)]
	if target == nil {
		m.source.line.release(msg)
		m.source.line.add(msg)
		m.fail("CouldNotDetermineMessageSource")
		return
	}
	m.source.discard(msg)
	target.put(target.copyOf(msg, now), now, 0)
	target.wake(now)
	m.moved++
}

// copyOf returns a message as a move sends it: one that is new but for what it says.
func (q *queue) copyOf(old *message, now time.Time) *message {
	m := &message{
		number: q.server.nextNumber(), id: q.server.newID(), body: old.body, bodyMD5: old.bodyMD5, attributes: old.attributes,
		systemAttributes: old.systemAttributes, groupID: old.groupID, deduplicationID: old.deduplicationID,
		sent: now, heapIndex: notHidden,
	}
	if q.fifo {
		m.sequence = q.server.nextNumber()
	}
	return m
}
