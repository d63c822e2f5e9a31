package consumer

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"wildix-worker/events"
	"wildix-worker/internal/backoff"
	"wildix-worker/internal/stack"
)

var (
	// heldBackoff is the delay, by its receive count, of a message that would have to be
	// held when as many are held as may be. It is long, so that the message survives an
	// outage of hours with the usual ten receives.
	heldBackoff = backoff.Exponential{Min: 10 * time.Minute, Max: 6 * time.Hour}
	// keysBackoff is the delay between two tries to verify a message while the signing
	// keys can't be read.
	keysBackoff = backoff.Exponential{Min: 4 * time.Second, Max: 4 * time.Second}
)

// errHeldTooLong means that the lease of a held message can't be extended further.
var errHeldTooLong = errors.New("held as long as SQS allows")

// keylessTime is how long nothing is received after a message could not be verified, while
// no further message can be held.
const keylessTime = time.Minute

// heldMessages are the messages whose handler has asked to be called again later. A message
// leaves the set once: to go on, because its lease expires, or because the consumer stops.
type heldMessages struct {
	mu       sync.Mutex
	messages []*message // each at its place
	closed   bool
}

// add reports whether the message is in the set: it is not once the set is closed.
func (h *heldMessages) add(m *message) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.messages = append(h.messages, m)
	m.place = int32(len(h.messages))
	return true
}

// take removes the message and calls then, unless it is no longer in the set.
func (h *heldMessages) take(m *message, then func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.place == 0 {
		return
	}
	last := h.messages[len(h.messages)-1]
	h.messages[m.place-1], last.place = last, m.place
	h.messages[len(h.messages)-1], m.place = nil, 0
	h.messages = h.messages[:len(h.messages)-1]
	then() // within the lock, so that no worker starts after close
}

// close removes and returns all messages.
func (h *heldMessages) close() []*message {
	h.mu.Lock()
	defer h.mu.Unlock()
	messages := h.messages
	for _, m := range messages {
		m.place = 0
	}
	h.messages, h.closed = nil, true
	return messages
}

// busyWait is how long a message keeps its slot and waits for something that is busy, before
// its handler is asked whether it is down meanwhile.
const busyWait = 5 * time.Second

// hold holds a message whose handler has returned an error of [events.Hold]. It returns
// false if as many messages are held as may be, or the consumer stops.
//
// One that waits for something that is only busy is never too many. It keeps its slot then,
// so that no more are received than go on.
func (c *Consumer) hold(m *message, r Result) bool {
	held := c.budget.Hold(m.lease.Token(), len(m.body))
	if !held && !events.IsBusy(r.Err) {
		return false
	}
	m.dropWork(r.Err)
	if !c.held.add(m) {
		return false
	}
	c.settler.Hold(&m.lease, m)
	if !held {
		again := time.AfterFunc(busyWait, m.Resume)
		events.OnResume(r.Err, func() { again.Stop(); m.Resume() })
		return true
	}
	events.ResumeOn(r.Err, m)
	return true
}

// Resume continues with a held message, as what its handler waits for is there.
func (m *message) Resume() {
	m.consumer.held.take(m, func() { m.consumer.resume(m) })
}

// HoldExpired gives up a held message.
func (m *message) HoldExpired(lost bool) {
	c := m.consumer
	c.held.take(m, func() { c.workers.group.Go(func() { c.giveUp(m, lost) }) })
}

// resume continues with a held message. What its handler waited for limits how many are
// resumed at once. Nothing limits those that waited for the keys, so they need a worker.
func (c *Consumer) resume(m *message) {
	if m.work().Err != nil {
		c.restarts.Go(func() { c.start([]*message{m}) })
		return
	}
	c.workers.group.Go(func() {
		stack.Grow()
		c.endWait(m)
		w := &workerContext{handlers: c.handlers}
		defer w.close()
		c.process(w, m)
	})
}

// wait holds a message that must wait for an earlier one of its group or call, and reports
// whether it waits. If not, it may start, or as many messages are held as may be.
func (c *Consumer) wait(m *message) (waits, full bool) {
	if !c.budget.Hold(m.lease.Token(), len(m.body)) {
		return false, true
	}
	c.settler.Hold(&m.lease, nil)
	at := m.at()
	m.dropWork(nil)
	if c.line.Enter(m.key(), at, m) {
		c.endWait(m) // the earlier one has finished meanwhile
		return false, false
	}
	return true, false
}

// unheld returns the outcome of a message that can't wait because as many are held as may be.
func (c *Consumer) unheld(m *message) outcome {
	if c.isStopping() {
		return untouched(0)
	}
	return untouched(heldBackoff.EqualJitter(int(m.receiveCount)))
}

// endWait ends the hold of a message whose turn has come.
func (c *Consumer) endWait(m *message) {
	c.budget.Resume(m.lease.Token())
	c.settler.Resume(&m.lease)
}

// giveUp returns a message whose lease is lost or can't be extended further.
func (c *Consumer) giveUp(m *message, lost bool) {
	cause := errHeldTooLong
	if lost {
		cause = ErrLeaseLost
	}
	err := fmt.Errorf("%w: %w", cause, m.holdReason())
	c.returnWaiting(m)
	if broken := m.recallWork(); broken != nil {
		err = errors.Join(err, broken)
	}
	c.settle(m, decided(Result{Outcome: events.Failed, Err: err, Event: m.work().Event}))
}

// returnHeld returns all messages that wait, when the consumer stops, and reports how many.
func (c *Consumer) returnHeld() (returned int) {
	late := c.late.end()
	for _, m := range late {
		c.settler.Return(&m.lease, 0)
	}
	waiting := append(c.line.Drain(), c.held.close()...)
	for _, m := range waiting {
		c.settle(m, untouched(0))
	}
	return len(late) + len(waiting)
}

// blocked reports whether no message could be handled now. That the keys can't be read is
// forgotten after keylessTime, since it may be that no held message is verified again.
func (c *Consumer) blocked() bool {
	keyless := c.keyless.Load()
	return keyless != 0 && time.Since(time.Unix(0, keyless)) < keylessTime || c.cfg.Blocked()
}
