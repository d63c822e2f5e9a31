package queue

import (
	"container/list"
	"strconv"
	"time"

	"wildix-worker/consumer/sqslocal/internal/message"
)

// item is one message of one queue. Its content, number and id never change once it is in a queue.
type item struct {
	message.Content
	number  uint64 // unique in the account
	id      string
	bodyMD5 string

	sent          time.Time
	sequence      uint64 // order within a group; zero on a standard queue
	sourceARN     string // in a dead-letter queue: the queue it came from
	receives      int    // receives since it was sent, in all queues
	receivesHere  int    // receives in this queue
	firstReceived time.Time
	lastReceived  time.Time

	// An item is in the visible list or in the schedule, or in both after a duplicate delivery.
	place         *list.Element // in the visible list; nil if it is not there
	visibleAt     time.Time     // when it becomes visible, if it is in the schedule
	scheduleIndex int           // in the schedule; notScheduled if it is not there
}

const notScheduled = -1

func (m *item) visible() bool   { return m.place != nil }
func (m *item) scheduled() bool { return m.scheduleIndex != notScheduled }

// inFlight reports whether the item was received and is not yet visible again; otherwise a scheduled item is delayed.
func (m *item) inFlight() bool { return m.scheduled() && m.receivesHere > 0 }

// sequenceNumber returns the sequence as clients see it, "" on a standard queue. It always has twenty digits, so that it also sorts
// as text.
func (m *item) sequenceNumber() string {
	if m.sequence == 0 {
		return ""
	}
	return strconv.FormatUint(1e19+m.sequence, 10)
}
