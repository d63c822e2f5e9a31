package demo

import (
	"math"

	"wildix-worker/cmd/wildix-worker/internal/fakepbx"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
)

const (
	// concurrentCalls is how many calls are live at once.
	concurrentCalls = 4
	// endless stands for calls without end.
	endless = math.MaxInt
	// badEvery is the number of messages between two invalid ones, after the first
	// three have shown each defect.
	badEvery = 50
)

// A player simulates a PBX with several live calls, and now and then a sender of invalid
// messages.
type player struct {
	secret   string
	pbx      *fakepbx.PBX
	calls    int // still to start
	live     []*fakepbx.Call
	messages int // sent so far
	bad      int // invalid messages sent so far
}

func newPlayer(secret string, calls int) *player {
	return &player{secret: secret, pbx: fakepbx.New(), calls: calls}
}

// done reports whether every call has ended.
func (p *player) done() bool { return p.calls == 0 && len(p.live) == 0 }

// next returns the next n messages, or as many as remain, and invalid ones besides.
func (p *player) next(n int) []outgoing.Message {
	var messages []outgoing.Message
	for range n {
		if p.done() {
			break
		}
		messages = append(messages, p.event())
		if defect := p.nextDefect(); defect != "" {
			messages = append(messages, p.invalid(defect))
		}
	}
	return messages
}

// event returns the next event of one of the live calls.
func (p *player) event() outgoing.Message {
	if p.calls > 0 && len(p.live) < concurrentCalls {
		p.calls--
		p.live = append(p.live, p.pbx.NewCall())
	}
	i := p.pbx.Random.IntN(len(p.live))
	c := p.live[i]
	eventType, body := c.Next()
	if c.Ended {
		p.live = append(p.live[:i], p.live[i+1:]...)
	}
	p.messages++
	return outgoing.Sign(p.secret, eventType, c.ID, body, "")
}

// nextDefect returns the defect of the invalid message that is due, if any.
func (p *player) nextDefect() outgoing.Defect {
	defects := []outgoing.Defect{outgoing.Tampered, outgoing.Unsigned, outgoing.Malformed}
	if p.bad < len(defects) && p.messages%2 == 0 || p.messages%badEvery == 0 {
		return defects[p.bad%len(defects)]
	}
	return ""
}

// invalid returns an invalid message of another call.
func (p *player) invalid(defect outgoing.Defect) outgoing.Message {
	p.bad++
	eventType, body := p.pbx.NewCall().Next()
	return outgoing.Sign(p.secret, eventType, "", body, defect)
}
