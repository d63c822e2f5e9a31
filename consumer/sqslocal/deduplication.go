package sqslocal

import "time"

// deduplicationInterval is how long a FIFO queue remembers what was sent to it.
const deduplicationInterval = 5 * time.Minute

// recentSends remembers the messages sent to a FIFO queue during the deduplication interval, deleted ones included.
type recentSends struct {
	byKey map[deduplicationKey]sentID
	order []recentSend // oldest first, to forget them in that order
}

type deduplicationKey struct{ group, id string }

// sentID is how the answer to a send identifies the message; the answer to a repeat has the same.
type sentID struct{ messageID, sequenceNumber string }

type recentSend struct {
	key  deduplicationKey
	sent time.Time
}

// deduplicationKey is what a repeat of the message has in common with it.
func (q *queue) deduplicationKey(m *message) deduplicationKey {
	if q.settings.groupDeduplication {
		return deduplicationKey{m.groupID, m.deduplicationID}
	}
	return deduplicationKey{"", m.deduplicationID}
}

// find returns what the answer was when a message with this key was sent, if that is remembered.
func (r *recentSends) find(key deduplicationKey, now time.Time) (sentID, bool) {
	for len(r.order) > 0 && now.Sub(r.order[0].sent) >= deduplicationInterval {
		delete(r.byKey, r.order[0].key)
		r.order = r.order[1:]
	}
	s, ok := r.byKey[key]
	return s, ok
}

func (r *recentSends) add(key deduplicationKey, s sentID, now time.Time) {
	if r.byKey == nil {
		r.byKey = make(map[deduplicationKey]sentID)
	}
	r.byKey[key] = s
	r.order = append(r.order, recentSend{key, now})
}
