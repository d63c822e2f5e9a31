// Package account holds the queues of an AWS account. It has the lock and the clock that package queue lacks, and what concerns more
// than one queue or takes time: long polls, dead-letter queues and message move tasks.
package account

import (
	"sync"
	"time"

	"wildix-worker/consumer/sqslocal/internal/queue"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// Account is a set of queues. It is safe for concurrent use. One lock guards all queues, so that a message that moves from one to
// another is in exactly one of them at any time.
type Account struct {
	closed chan struct{} // closed by Close; ends long polls

	mu     sync.Mutex
	ids    *queue.IDs
	queues map[string]*entry
}

// entry is a queue of the account.
type entry struct {
	*queue.Queue
	waiters waiters
	moves   []*move // message move tasks with this source, the latest last
	deleted bool
}

// move is a message move task at work.
type move struct {
	MoveTask
	timer *time.Timer // moves the next message
}

// New returns an account without queues. The ids of its messages depend on the seed alone.
func New(seed uint64) *Account {
	return &Account{closed: make(chan struct{}), ids: queue.NewIDs(seed), queues: make(map[string]*entry)}
}

// Close ends long polls and message move tasks. It must be called once.
func (a *Account) Close() {
	close(a.closed)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.queues {
		e.waiters.stopTimer()
		for _, m := range e.moves {
			m.timer.Stop()
		}
	}
}

func (a *Account) isClosed() bool {
	select {
	case <-a.closed:
		return true
	default:
		return false
	}
}

// Update calls f with the queue of this name, while no one else uses the account's queues. It returns the error of f.
func (a *Account) Update(name string, f func(q *queue.Queue, now time.Time) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, err := a.find(name)
	if err != nil {
		return err
	}
	now := time.Now()
	defer a.wake(e, now)
	return f(e.Queue, now)
}

// find returns the queue of this name. The lock is held.
func (a *Account) find(name string) (*entry, error) {
	if e, ok := a.queues[name]; ok {
		return e, nil
	}
	return nil, sqserr.QueueDoesNotExist
}

// findARN returns the queue with this ARN, or nil. The lock is held.
func (a *Account) findARN(arn string) *entry { return a.queues[queue.NameOfARN(arn)] }

// wake wakes the poll that has waited longest if there is a message for it, and otherwise sets the timer for the next message. It must
// be called after every change to the queue. The lock is held.
func (a *Account) wake(e *entry, now time.Time) {
	if e.waiters.empty() || a.isClosed() {
		e.waiters.stopTimer()
		return
	}
	if e.Ready(now) {
		e.waiters.wakeFirst()
	}
	if at, ok := e.NextVisible(); ok && !e.waiters.empty() {
		e.waiters.setTimer(now, at)
	} else {
		e.waiters.stopTimer()
	}
}

// wakeDue wakes polls of the queue when its timer fires.
func (a *Account) wakeDue(e *entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.waiters.timerFired()
	a.wake(e, time.Now())
}
