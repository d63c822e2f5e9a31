package deadletter

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// A Verdict is whether a worker would accept a message today, and if not, why. The message may
// have come to the dead-letter queue for another reason, which SQS does not record.
type Verdict struct {
	Result string        // valid, unchecked, rejected or malformed
	Reason string        // empty if valid
	Event  *events.Event // nil unless valid
}

// The results of a Verdict besides the outcomes rejected and malformed.
const (
	Valid     = "valid"
	Unchecked = "unchecked" // without keys, or if they can't be read
)

// Inspect checks the signature of a message and decodes it.
func Inspect(keys *signature.Keyring, m *types.Message) Verdict {
	if keys == nil {
		return Verdict{Result: Unchecked, Reason: "no signing secret is set"}
	}
	e, outcome, err := consumer.DecodeMessage(keys, m)
	switch {
	case err == nil:
		return Verdict{Result: Valid, Event: e}
	case outcome == events.Failed: // the keys can't be read
		return Verdict{Result: Unchecked, Reason: err.Error()}
	default:
		// The result already says that the message is malformed.
		return Verdict{Result: outcome.String(), Reason: strings.TrimPrefix(err.Error(), events.ErrMalformed.Error()+": ")}
	}
}

// Refused reports whether a worker would reject the message, so that it would come back to
// the dead-letter queue.
func (v Verdict) Refused() bool { return v.Result != Valid && v.Result != Unchecked }

// String returns the result and the reason.
func (v Verdict) String() string {
	if v.Reason == "" {
		return v.Result
	}
	return v.Result + ": " + v.Reason
}

// A Message is an SQS message with its verdict.
type Message struct {
	types.Message
	Verdict Verdict
}

// SentAt returns when the message was sent to its first queue, or the zero time if that is
// not known.
func (m *Message) SentAt() time.Time {
	millis, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}

// ReceiveCount returns the number of receives from all queues, including this one.
func (m *Message) ReceiveCount() int {
	n, _ := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	return n
}
