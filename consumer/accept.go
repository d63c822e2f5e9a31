package consumer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer/internal/poll"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// accept takes charge of received messages, opens them and hands them to the
// workers until ctx ends; the rest goes back. So does what follows a message of
// its group that was received before and is not settled yet.
func (c *Consumer) accept(ctx context.Context, received []poll.Received) {
	now := time.Now()
	fresh := make([]*message, 0, len(received))
	var blocked []string // groups
	for i := range received {
		m := newMessage(received[i].Message, now)
		m.token = received[i].Token
		w := c.leases.hold(m)
		if slices.Contains(blocked, m.group) && w != inHand && w != goingBack {
			c.leases.giveBack(m, 0)
			continue
		}
		if m.group != "" && (w == inHand || w == goingBack) {
			blocked = append(blocked, m.group)
		}
		switch w {
		case inHand, goingBack:
			m.token.Cancel()
		case wasDone:
			c.conclude(m, Result{Outcome: events.Duplicate})
		case wasRefused:
			c.conclude(m, Result{Outcome: events.Failed, Err: errRefused})
		case isFresh:
			c.open(m)
			fresh = append(fresh, m)
		}
	}
	if c.cfg.OrderByCall {
		slices.SortStableFunc(fresh, func(a, b *message) int { return a.laneTime.Compare(b.laneTime) })
	}
	// All are in their lanes before the first starts: if that fails at once,
	// those behind it must not find the lane empty.
	fresh = slices.DeleteFunc(fresh, c.waits)
	for _, m := range fresh {
		if m.needsHandler() {
			m.probe = c.breaker.Nominate()
		}
		select {
		case c.work <- m:
		case <-ctx.Done():
			c.leases.giveBack(m, 0)
			c.returnLane(m)
		}
	}
}

// waits reports whether a message has to wait for another one of its lane. It has
// no slot meanwhile: a call with many events does not hold up the others.
func (c *Consumer) waits(m *message) bool {
	if c.lanes.Enter(m.lane, m.laneTime, m) {
		return false
	}
	m.token.Park()
	return true
}

// errRefused stands for the permanent error of an earlier delivery.
var errRefused = events.Permanent(errors.New("refused for good by an earlier delivery"))

// open verifies and decodes a message, and says which lane it is for.
func (c *Consumer) open(m *message) {
	m.span = c.startSpan()
	begun := time.Now()
	m.opened = c.verified(m)
	m.opened.Took = time.Since(begun)
	m.lane = m.group
	if e := m.opened.Event; c.cfg.OrderByCall && m.group == "" && e != nil {
		m.lane, m.laneTime = e.ID, e.Time
	}
}

func (c *Consumer) verified(m *message) (r Result) {
	r.Event, r.Outcome, r.Err = m.verify(c.cfg.Keys)
	return r
}

// DecodeMessage verifies and decodes a received message as a [Consumer] does before any
// handler. See [events.DecodeSigned] for what it returns.
func DecodeMessage(keys *signature.Keyring, received *types.Message) (*events.Event, events.Outcome, error) {
	return newMessage(received, time.Now()).verify(keys)
}

func (m *message) verify(keys *signature.Keyring) (*events.Event, events.Outcome, error) {
	sig, err := m.signature()
	if err != nil {
		return nil, events.Rejected, err
	}
	e, outcome, err := events.DecodeSigned(keys, m.body, sig)
	if e != nil {
		e.ReceiveCount = m.receiveCount
	}
	return e, outcome, err
}
