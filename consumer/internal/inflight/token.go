package inflight

// A Token is one message's share of a [Budget]. It moves through these states:
//
//	handling -> parked -> handling -> handled -> settled
//
// It may skip states, but moves back only once, when it is resumed. A call that does not
// fit the state does nothing, so each method may be called more than once.
type Token struct {
	budget  *Budget
	state   state // guarded by budget.mu
	resumed bool  // guarded by budget.mu
}

type state uint8

const (
	handling state = iota // occupies a slot: its handler runs, or is about to
	parked                // its handler can't begin yet; it has no slot
	handled               // its handler is done; it has no slot
	settled               // no longer counted
)

// Cancel gives up a token that no message was received for.
func (t *Token) Cancel() { t.Settled() }

// Park gives up the slot of a message that must wait for another message. If too many
// messages are parked, the message keeps its slot. Park does nothing after Resume, so
// the two may race.
func (t *Token) Park() {
	t.budget.mu.Lock()
	defer t.budget.mu.Unlock()
	if t.state != handling || t.resumed || t.budget.parked >= t.budget.maxParked {
		return
	}
	t.state = parked
	t.budget.parked++
	t.budget.change(1, 1)
}

// Resume takes a slot for a parked message. It does not wait for a free one,
// since the worker that calls it is about to give up its own.
func (t *Token) Resume() {
	t.budget.mu.Lock()
	defer t.budget.mu.Unlock()
	t.resumed = true
	if t.state != parked {
		return
	}
	t.state = handling
	t.budget.parked--
	t.budget.change(-1, -1)
}

// HandlerDone gives up the slot of a message whose handler is done, or is no longer
// needed. The message still counts as unsettled.
func (t *Token) HandlerDone() {
	t.budget.mu.Lock()
	defer t.budget.mu.Unlock()
	t.handlerDone()
}

// Settled records that the message is settled, so that it no longer counts.
func (t *Token) Settled() {
	t.budget.mu.Lock()
	defer t.budget.mu.Unlock()
	t.handlerDone()
	if t.state == handled {
		t.state = settled
		t.budget.change(0, -1)
	}
}

// handlerDone is HandlerDone with budget.mu held.
func (t *Token) handlerDone() {
	switch t.state {
	case handling:
		t.state = handled
		t.budget.change(1, 1)
	case parked:
		t.state = handled
		t.budget.parked--
	}
}
