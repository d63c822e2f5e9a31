package demo

import (
	"math"

	"wildix-worker/cmd/wildix-worker/internal/fakepbx"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
)

const (
	// concurrentCalls is how many calls are live at once.
	concurrentCalls = 4
	// endless is the number of calls for --forever.
	endless = math.MaxInt
	// invalidInterval is the number of valid messages from one invalid message to the next,
	// after each defect has occurred once.
	invalidInterval = 50
)

// A source makes the messages of a PBX with several live calls, and some invalid ones.
type source struct {
	secret  string
	pbx     *fakepbx.PBX
	calls   int // still to start
	live    []*fakepbx.Call
	valid   int // messages made so far
	invalid int // messages made so far
}

func newSource(secret string, calls int) *source {
	return &source{secret: secret, pbx: fakepbx.New(), calls: calls}
}

// done reports whether every call has ended.
func (s *source) done() bool { return s.calls == 0 && len(s.live) == 0 }

// next returns the next n valid messages, or fewer if no more remain, and the invalid ones
// that are due.
func (s *source) next(n int) []outgoing.Message {
	var messages []outgoing.Message
	for range n {
		if s.done() {
			break
		}
		messages = append(messages, s.event())
		if defect := s.nextDefect(); defect != "" {
			messages = append(messages, s.invalidEvent(defect))
		}
	}
	return messages
}

// event returns the next event of one of the live calls.
func (s *source) event() outgoing.Message {
	if s.calls > 0 && len(s.live) < concurrentCalls {
		s.calls--
		s.live = append(s.live, s.pbx.NewCall())
	}
	i := s.pbx.Random.IntN(len(s.live))
	c := s.live[i]
	eventType, body := c.Next()
	if c.Ended {
		s.live = append(s.live[:i], s.live[i+1:]...)
	}
	s.valid++
	return outgoing.Sign(s.secret, eventType, c.ID, body, "")
}

// nextDefect returns the defect of the invalid message that is due, or an empty string.
func (s *source) nextDefect() outgoing.Defect {
	defects := []outgoing.Defect{outgoing.Tampered, outgoing.Unsigned, outgoing.Malformed}
	if s.invalid < len(defects) && s.valid%2 == 0 || s.valid%invalidInterval == 0 {
		return defects[s.invalid%len(defects)]
	}
	return ""
}

// invalidEvent returns an invalid message about another call.
func (s *source) invalidEvent(defect outgoing.Defect) outgoing.Message {
	s.invalid++
	eventType, body := s.pbx.NewCall().Next()
	return outgoing.Sign(s.secret, eventType, "", body, defect)
}
