package account

import (
	"container/list"
	"time"
)

// waiters are the long polls that wait for a message of one queue. The account's lock guards them.
type waiters struct {
	polls   list.List   // of chan struct{}, the longest wait first
	timer   *time.Timer // fires when the next message becomes visible; runs only while polls wait
	timerAt time.Time   // when the timer fires; zero if it does not run
}

// newWaiters returns waiters whose timer calls f, which must call timerFired.
func newWaiters(f func()) waiters {
	t := time.AfterFunc(time.Hour, f)
	t.Stop()
	return waiters{timer: t}
}

func (w *waiters) empty() bool { return w.polls.Len() == 0 }

// wakeFirst wakes the poll that has waited longest. It leaves the list, so a poll is woken at most once, and the send does not block.
func (w *waiters) wakeFirst() {
	first := w.polls.Front()
	w.polls.Remove(first)
	first.Value.(chan struct{}) <- struct{}{}
}

func (w *waiters) wakeAll() {
	for !w.empty() {
		w.wakeFirst()
	}
}

// setTimer lets the timer fire at the given time.
func (w *waiters) setTimer(now, at time.Time) {
	if !at.Equal(w.timerAt) {
		w.timerAt = at
		w.timer.Reset(at.Sub(now))
	}
}

func (w *waiters) stopTimer() {
	if !w.timerAt.IsZero() {
		w.timerFired()
		w.timer.Stop()
	}
}

func (w *waiters) timerFired() { w.timerAt = time.Time{} }
