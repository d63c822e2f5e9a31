package consumer

import (
	"context"
	"slices"
	"time"

	"wildix-worker/consumer/internal/poll"
	"wildix-worker/consumer/internal/settle"
	"wildix-worker/events"
)

// deliver is the first half of a message's path, on the goroutine of the poller that
// received it. The second half is process, on the goroutine of a worker.
func (c *Consumer) deliver(ctx context.Context, received []poll.Received) {
	messages := c.admit(received)
	c.decode(messages)
	messages = c.order(messages)
	c.start(ctx, messages)
}

// process is the second half. It returns the next message to process: one that waited for
// this one, or nil.
func (c *Consumer) process(ctx context.Context, m *message) (next *message) {
	o := c.dispatch(ctx, m)
	next = c.next(m, o)
	c.settle(m, o)
	return next
}

// admit passes received messages to the settler, and returns those that must be handled.
// The others are settled: they are known from an earlier delivery, or follow a message of
// their FIFO group whose earlier delivery is not settled.
func (c *Consumer) admit(received []poll.Received) []*message {
	now := time.Now()
	messages := make([]*message, 0, len(received))
	var blocked []string // groups of messages whose earlier delivery is not settled
	for _, r := range received {
		m := newMessage(r.Message)
		lease, admission := c.settler.Admit(settle.Receipt{MessageID: m.id, Group: m.group, Handle: m.handle, ReceivedAt: now}, r.Token)
		m.lease, m.token = lease, r.Token
		switch {
		case admission == settle.InHand:
			if m.group != "" {
				blocked = append(blocked, m.group)
			}
		case slices.Contains(blocked, m.group):
			c.settle(m, untouched(0))
		case admission == settle.Done:
			c.settle(m, decided(Result{Outcome: events.Duplicate}))
		case admission == settle.Refused:
			c.settle(m, decided(Result{Outcome: events.Failed, Err: errRefused}))
		default:
			messages = append(messages, m)
		}
	}
	return messages
}

// decode verifies the signatures and decodes the events.
func (c *Consumer) decode(messages []*message) {
	for _, m := range messages {
		m.span = c.startSpan()
		begun := time.Now()
		m.decoded = c.decodeOne(m)
		m.decoded.Took = time.Since(begun)
	}
}

func (c *Consumer) decodeOne(m *message) (r Result) {
	r.Event, r.Outcome, r.Err = m.verifyAndDecode(c.cfg.Keys)
	return r
}

// order returns the messages that need not wait for another one of their group or call.
// The others give up their slot while they wait, so that a call with many events does not
// delay other calls.
//
// It must be called with all messages of a receive before the first of them starts: if
// that one fails at once, those that wait for it must be in the line, to be returned too.
func (c *Consumer) order(messages []*message) []*message {
	for _, m := range messages {
		m.key = m.group
		if e := m.decoded.Event; c.cfg.OrderByCall && m.group == "" && e != nil {
			m.key, m.time = e.ID, e.Time
		}
	}
	if c.cfg.OrderByCall {
		slices.SortStableFunc(messages, func(a, b *message) int { return a.time.Compare(b.time) })
	}
	return slices.DeleteFunc(messages, func(m *message) bool {
		if c.line.Enter(m.key, m.time, m) {
			return false
		}
		m.token.Park()
		return true
	})
}

// start passes messages to workers until ctx ends, and returns the others to the
// queue.
func (c *Consumer) start(ctx context.Context, messages []*message) {
	for _, m := range messages {
		if m.needsHandler() {
			m.probe = c.breaker.Nominate()
		}
		select {
		case c.work <- m:
		case <-ctx.Done():
			c.settle(m, untouched(0))
			c.returnWaiting(m)
		}
	}
}

// next returns the message that waited for this one, or nil. On a FIFO queue no message
// may overtake one that is returned, so those that wait are returned too.
func (c *Consumer) next(m *message, o outcome) *message {
	if o.returned() && m.group != "" {
		c.returnWaiting(m)
		return nil
	}
	next, ok := c.line.Next(m.key)
	if !ok {
		return nil
	}
	next.token.Resume()
	return next
}

// returnWaiting returns all messages that wait for this one.
func (c *Consumer) returnWaiting(m *message) {
	for _, waiting := range c.line.Clear(m.key) {
		c.settle(waiting, untouched(0))
	}
}
