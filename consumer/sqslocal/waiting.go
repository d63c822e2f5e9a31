package sqslocal

import (
	"cmp"
	"context"
	"time"
)

// poll takes messages from the queue, waiting up to wait for the first. It is called with the server's lock held, and gives it up
// while it waits. A client that leaves meanwhile takes nothing.
//
// A waiting receive is woken, not served: whoever finds messages in line wakes the receive that has waited longest, and that one
// takes what there is and, if something is left, wakes the next. So no wake-up is lost, and one send does not wake a crowd.
func (q *queue) poll(ctx context.Context, limit int, wait, visibility time.Duration) ([]*message, error) {
	defer func() { q.wake(time.Now()) }() // also passes on a wake-up that came too late for this receive
	if messages, err := q.tryTake(limit, visibility); len(messages) > 0 || err != nil || wait == 0 {
		return messages, err
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	woken := make(chan struct{}, 1)
	place := q.waiters.PushBack(woken)
	for {
		q.wake(time.Now())
		q.server.mu.Unlock()
		var err error
		over := false
		select {
		case <-woken:
		case <-timeout.C:
			over = true
		case <-ctx.Done():
			err = ctx.Err()
		case <-q.server.closed:
			err = errUnavailable
		}
		q.server.mu.Lock()
		q.waiters.Remove(place)
		err = cmp.Or(err, ctx.Err()) // it may have left in the moment it was woken
		if err != nil {
			return nil, err
		}
		if messages, err := q.tryTake(limit, visibility); len(messages) > 0 || err != nil || over {
			return messages, err
		}
		place = q.waiters.PushFront(woken) // another receive was faster; this one is still the next
	}
}

// tryTake takes what there is now.
func (q *queue) tryTake(limit int, visibility time.Duration) ([]*message, error) {
	if q.deleted {
		return nil, errQueueDoesNotExist
	}
	now := time.Now()
	q.show(now)
	switch {
	case !q.full():
		return q.take(now, limit, visibility), nil
	case q.fifo:
		return nil, nil // a full FIFO queue just looks empty
	default:
		return nil, errOverLimit
	}
}

func (q *queue) full() bool { return q.inFlight >= maxInFlight }

// wake wakes the receive that has waited longest if there is something to take, and sets the alarm for the time when there will be.
// It has to follow every change to the queue.
func (q *queue) wake(now time.Time) {
	if q.waiters.Len() == 0 {
		q.setAlarm(now, time.Time{})
		return
	}
	q.show(now)
	if q.line.ready() && !q.full() {
		q.wakeFirst()
	}
	if q.waiters.Len() > 0 && len(q.hidden) > 0 {
		q.setAlarm(now, q.hidden[0].visibleAt)
	} else {
		q.setAlarm(now, time.Time{})
	}
}

func (q *queue) wakeFirst() {
	first := q.waiters.Front()
	q.waiters.Remove(first)
	first.Value.(chan struct{}) <- struct{}{} // has room for one, and a receive is in the list only while it has not been woken
}

// wakeAll wakes every receive that waits, to learn that the queue is deleted.
func (q *queue) wakeAll() {
	for q.waiters.Len() > 0 {
		q.wakeFirst()
	}
}

// setAlarm sets the alarm, or stops it if at is zero.
func (q *queue) setAlarm(now, at time.Time) {
	if at.Equal(q.alarmAt) {
		return
	}
	q.alarmAt = at
	if at.IsZero() {
		q.alarm.Stop()
		return
	}
	q.alarm.Reset(at.Sub(now))
}

// ring is what the alarm does.
func (q *queue) ring() {
	q.server.mu.Lock()
	defer q.server.mu.Unlock()
	q.alarmAt = time.Time{}
	q.wake(time.Now())
}
