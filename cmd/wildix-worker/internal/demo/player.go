package demo

import (
	"math"

	"wildix-worker/cmd/wildix-worker/internal/fakepbx"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
)

const (
	// concurrentCalls is how many calls go on at once.
	concurrentCalls = 4
	// endless is more calls than are ever made.
	endless = math.MaxInt
	// badEvery is how many messages there are between bad ones, once the
	// first three have shown each kind.
	badEvery = 50
)

// A player plays a PBX with several calls going on at once, and now and then
// someone who sends what no PBX does.
type player struct {
	secret   string
	pbx      *fakepbx.PBX
	calls    int // still to begin
	going    []*fakepbx.Call
	messages int // made so far
	bad      int // of them, bad ones
}

func newPlayer(secret string, calls int) *player {
	return &player{secret: secret, pbx: fakepbx.New(), calls: calls}
}

// done reports whether every call has ended and every kind of bad message was
// sent.
func (p *player) done() bool { return p.calls == 0 && len(p.going) == 0 }

// next makes the next n messages, or as many as are left.
func (p *player) next(n int) []outgoing.Message {
	var messages []outgoing.Message
	for range n {
		if p.done() {
			break
		}
		messages = append(messages, p.event(""))
		if kind := p.badKind(); kind != "" {
			messages = append(messages, p.stranger(kind))
		}
	}
	return messages
}

// event takes a step in one of the calls that go on.
func (p *player) event(bad string) outgoing.Message {
	if p.calls > 0 && len(p.going) < concurrentCalls {
		p.calls--
		p.going = append(p.going, p.pbx.NewCall())
	}
	i := p.pbx.Random.IntN(len(p.going))
	c := p.going[i]
	eventType, body := c.Next()
	if c.Ended {
		p.going = append(p.going[:i], p.going[i+1:]...)
	}
	p.messages++
	return outgoing.Sign(p.secret, eventType, c.ID, body, bad)
}

// badKind says what kind of bad message is due, if any.
func (p *player) badKind() string {
	kinds := []string{outgoing.Tampered, outgoing.Unsigned, outgoing.Malformed}
	if p.bad < len(kinds) && p.messages%2 == 0 || p.messages%badEvery == 0 {
		return kinds[p.bad%len(kinds)]
	}
	return ""
}

// stranger makes a bad message of a call that is not going on.
func (p *player) stranger(bad string) outgoing.Message {
	p.bad++
	eventType, body := p.pbx.NewCall().Next()
	return outgoing.Sign(p.secret, eventType, "", body, bad)
}
