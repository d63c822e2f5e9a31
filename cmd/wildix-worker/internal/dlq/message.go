package dlq

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

// messageJSON is a message without its content.
type messageJSON struct {
	MessageID    string  `json:"messageId"`
	SentAt       *string `json:"sentAt"`
	ReceiveCount int     `json:"receiveCount"`
	Verdict      string  `json:"verdict"`
	Reason       string  `json:"reason,omitempty"`
	Type         string  `json:"type,omitempty"`
	EventID      string  `json:"eventId,omitempty"`
}

func jsonOf(m *deadletter.Message) messageJSON {
	j := messageJSON{
		MessageID: aws.ToString(m.MessageId), SentAt: term.Timestamp(m.SentAt()), ReceiveCount: m.ReceiveCount(),
		Verdict: m.Verdict.Result, Reason: m.Verdict.Reason,
	}
	if e := m.Verdict.Event; e != nil {
		j.Type, j.EventID = e.Type, e.ID
	}
	return j
}

// printVerdicts prints how many messages have each verdict.
func printVerdicts(out *term.Printer, messages []deadletter.Message) {
	var order []string
	counts := make(map[string]int)
	for i := range messages {
		v := messages[i].Verdict.String()
		if counts[v]++; counts[v] == 1 {
			order = append(order, v)
		}
	}
	out.Printf("sample of %d:\n", len(messages))
	for _, v := range order {
		out.Printf("%6d  %s\n", counts[v], term.Printable(v))
	}
}

// countRefused counts the messages that would come back.
func countRefused(messages []deadletter.Message) (n int) {
	for i := range messages {
		if messages[i].Verdict.Refused() {
			n++
		}
	}
	return n
}
