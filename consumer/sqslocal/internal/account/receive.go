package account

import (
	"cmp"
	"context"
	"time"

	"wildix-worker/consumer/sqslocal/internal/queue"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// ReceiveOptions are the parameters of a receive.
type ReceiveOptions struct {
	Limit      int            // messages, at most
	Wait       *time.Duration // for the first message; nil means the queue's setting
	Visibility *time.Duration // visibility timeout; nil means the queue's setting
	Duplicate  bool           // leaves the messages visible, so that they are received again; not on a FIFO queue
}

// Receive returns messages of the queue, waiting for the first if there is none. If ctx ends, it receives nothing and returns the
// error of ctx.
//
// A waiting poll is woken, and then receives by itself. A call that makes a message visible wakes the poll that has waited longest;
// if that poll leaves messages, it wakes the next. So no wake-up is lost, and one send does not wake all polls.
func (a *Account) Receive(ctx context.Context, name string, o ReceiveOptions) ([]queue.Delivery, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, err := a.find(name)
	if err != nil {
		return nil, err
	}
	wait := e.Settings().Wait
	if o.Wait != nil {
		wait = *o.Wait
	}
	visibility := e.Settings().Visibility
	if o.Visibility != nil {
		visibility = *o.Visibility
	}
	defer func() { a.wake(e, time.Now()) }() // also passes on a wake-up that this poll did not use
	deliveries, err := a.poll(ctx, e, o.Limit, wait, visibility)
	if o.Duplicate {
		e.Duplicate(deliveries)
	}
	return deliveries, err
}

// poll receives messages, waiting for the first. The lock is held, except while it waits.
func (a *Account) poll(ctx context.Context, e *entry, limit int, wait, visibility time.Duration) ([]queue.Delivery, error) {
	if deliveries, err := a.receiveNow(e, limit, visibility); len(deliveries) > 0 || err != nil || wait == 0 {
		return deliveries, err
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	woken := make(chan struct{}, 1)
	place := e.waiters.polls.PushBack(woken)
	for {
		a.wake(e, time.Now())
		a.mu.Unlock()
		var err error
		over := false
		select {
		case <-woken:
		case <-timeout.C:
			over = true
		case <-ctx.Done():
			err = ctx.Err()
		case <-a.closed:
			err = sqserr.Unavailable
		}
		a.mu.Lock()
		e.waiters.polls.Remove(place)
		if err = cmp.Or(err, ctx.Err()); err != nil { // the client may have left while the poll was woken
			return nil, err
		}
		if deliveries, err := a.receiveNow(e, limit, visibility); len(deliveries) > 0 || err != nil || over {
			return deliveries, err
		}
		place = e.waiters.polls.PushFront(woken) // another receive was faster; this poll is still the next
	}
}

// receiveNow receives the messages that are visible now.
func (a *Account) receiveNow(e *entry, limit int, visibility time.Duration) ([]queue.Delivery, error) {
	if e.deleted {
		return nil, sqserr.QueueDoesNotExist
	}
	now := time.Now()
	var deadLetters *queue.Queue
	if r := e.Settings().Redrive; r != nil {
		if target := a.findARN(r.TargetARN); target != nil { // without it, delivering once more is better than losing the message
			deadLetters = target.Queue
			defer a.wake(target, now)
		}
	}
	return e.Receive(limit, visibility, deadLetters, now)
}
