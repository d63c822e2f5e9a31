package dlq

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// A verdict is what a worker would make of a message today. Why the message came to the
// dead-letter queue may be something else: SQS does not keep it.
type verdict struct {
	result string        // valid, unchecked, rejected or malformed
	reason string        // empty if valid
	event  *events.Event // nil unless valid
}

const (
	valid     = "valid"
	unchecked = "unchecked" // there are no keys, or they can't be read
)

// inspect checks the signature of a message and decodes it.
func inspect(keys *signature.Keyring, m *types.Message) verdict {
	if keys == nil {
		return verdict{result: unchecked, reason: "no signing secret is set"}
	}
	e, outcome, err := consumer.DecodeMessage(keys, m)
	switch {
	case err == nil:
		return verdict{result: valid, event: e}
	case outcome == events.Failed: // the keys can't be read
		return verdict{result: unchecked, reason: err.Error()}
	default:
		// The outcome says that the message is malformed.
		return verdict{result: outcome.String(), reason: strings.TrimPrefix(err.Error(), events.ErrMalformed.Error()+": ")}
	}
}

// refused reports whether a worker would leave the message, so that it would only come
// back to the dead-letter queue.
func (v verdict) refused() bool { return v.result != valid && v.result != unchecked }

func (v verdict) String() string {
	if v.reason == "" {
		return v.result
	}
	return v.result + ": " + v.reason
}

// A message is a message that was inspected.
type message struct {
	types.Message
	verdict verdict
}

// sentAt returns when the message was sent to its first queue, or zero if that is not
// known.
func (m *message) sentAt() time.Time {
	millis, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}

// receiveCount counts the receives from all queues, including this one.
func (m *message) receiveCount() int {
	n, _ := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	return n
}

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

func (m *message) json() messageJSON {
	j := messageJSON{
		MessageID: aws.ToString(m.MessageId), SentAt: term.Timestamp(m.sentAt()), ReceiveCount: m.receiveCount(),
		Verdict: m.verdict.result, Reason: m.verdict.reason,
	}
	if e := m.verdict.event; e != nil {
		j.Type, j.EventID = e.Type, e.ID
	}
	return j
}

// printVerdicts prints how many messages have each verdict.
func printVerdicts(out *term.Printer, messages []message) {
	var order []string
	counts := make(map[string]int)
	for i := range messages {
		v := messages[i].verdict.String()
		if counts[v]++; counts[v] == 1 {
			order = append(order, v)
		}
	}
	out.Printf("sample of %d:\n", len(messages))
	for _, v := range order {
		out.Printf("%6d  %s\n", counts[v], term.Printable(v))
	}
}

// countRefused counts the messages that would only come back.
func countRefused(messages []message) (n int) {
	for i := range messages {
		if messages[i].verdict.refused() {
			n++
		}
	}
	return n
}
