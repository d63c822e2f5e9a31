package queue

import "time"

// deduplicationInterval is how long a FIFO queue recognizes a message that is sent again.
const deduplicationInterval = 5 * time.Minute

// recentSends holds the messages sent to a FIFO queue within the deduplication interval, including deleted ones.
type recentSends struct {
	byKey map[deduplicationKey]sentID
	order []recentSend // oldest first
}

// deduplicationKey is equal for messages that are duplicates. The group is "" if ids are compared in the whole queue.
type deduplicationKey struct{ group, id string }

// sentID is what a send returns; sending a duplicate returns the same.
type sentID struct{ messageID, sequenceNumber string }

type recentSend struct {
	key  deduplicationKey
	sent time.Time
}

// find returns the ids of a message that was sent with this key within the interval.
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
