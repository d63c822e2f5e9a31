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

// A verdict is what a worker would make of a message today. What made the message
// dead may be something else: SQS does not keep it.
type verdict struct {
	word   string
	reason string        // empty if it is valid
	event  *events.Event // nil unless it is valid
}

const (
	wordValid     = "valid"
	wordUnchecked = "unchecked" // for want of keys
)

// judgeMessage looks at a message without handling it.
func judgeMessage(keys *signature.Keyring, m *types.Message) verdict {
	if keys == nil {
		return verdict{word: wordUnchecked, reason: "no signing secret is set"}
	}
	e, outcome, err := consumer.DecodeMessage(keys, m)
	switch {
	case err == nil:
		return verdict{word: wordValid, event: e}
	case outcome == events.Failed: // the keys can't be read
		return verdict{word: wordUnchecked, reason: err.Error()}
	default:
		return verdict{word: outcome.String(), reason: reason(err)}
	}
}

// refused reports whether the message would only come back to the dead-letter queue.
func (v verdict) refused() bool { return v.word != wordValid && v.word != wordUnchecked }

func (v verdict) String() string {
	if v.reason == "" {
		return v.word
	}
	return v.word + ": " + v.reason
}

// system returns what the queue noted of a message.
func system(m *types.Message, name types.MessageSystemAttributeName) string {
	return m.Attributes[string(name)]
}

// sentAt is when the message was sent to the queue that it comes from; zero if it is not known.
func sentAt(m *types.Message) time.Time {
	millis, err := strconv.ParseInt(system(m, types.MessageSystemAttributeNameSentTimestamp), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}

// receiveCount counts the receives in all queues, this one among them.
func receiveCount(m *types.Message) int {
	n, _ := strconv.Atoi(system(m, types.MessageSystemAttributeNameApproximateReceiveCount))
	return n
}

// A deadLetter is a message that was looked at.
type deadLetter struct {
	types.Message
	verdict verdict
}

// deadLetterLine is a deadLetter for programs to read, without its content.
type deadLetterLine struct {
	MessageID    string  `json:"messageId"`
	SentAt       *string `json:"sentAt"`
	ReceiveCount int     `json:"receiveCount"`
	Verdict      string  `json:"verdict"`
	Reason       string  `json:"reason,omitempty"`
	Type         string  `json:"type,omitempty"`
	EventID      string  `json:"eventId,omitempty"`
}

func (l *deadLetter) line() deadLetterLine {
	line := deadLetterLine{
		MessageID: aws.ToString(l.MessageId), SentAt: term.Timestamp(sentAt(&l.Message)), ReceiveCount: receiveCount(&l.Message),
		Verdict: l.verdict.word, Reason: l.verdict.reason,
	}
	if e := l.verdict.event; e != nil {
		line.Type, line.EventID = e.Type, e.ID
	}
	return line
}

// listVerdicts counts messages by what a worker would make of them today.
func listVerdicts(out *term.Printer, letters []deadLetter) {
	var order []string
	counts := make(map[string]int)
	for i := range letters {
		words := letters[i].verdict.String()
		if counts[words]++; counts[words] == 1 {
			order = append(order, words)
		}
	}
	out.Printf("sample of %d:\n", len(letters))
	for _, words := range order {
		out.Printf("%6d  %s\n", counts[words], term.Printable(words))
	}
}

// refusedOf counts those that would only come back.
func refusedOf(letters []deadLetter) (n int) {
	for i := range letters {
		if letters[i].verdict.refused() {
			n++
		}
	}
	return n
}

// reason returns an error without the outcome's word, which is printed beside it.
func reason(err error) string {
	return strings.TrimPrefix(err.Error(), events.ErrMalformed.Error()+": ")
}
