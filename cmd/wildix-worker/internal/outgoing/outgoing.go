// Package outgoing signs messages as a PBX does, or makes them invalid on purpose, and sends
// them to a queue.
package outgoing

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

// A Message is a message as a PBX sends it: a body and its signature.
type Message struct {
	Type      string // of the event
	Call      string // the message group on a FIFO queue
	Body      []byte
	Signature string // empty for none
}

// A Defect is how a message is made invalid. The empty Defect leaves it valid.
type Defect = string

// Defects of messages.
const (
	Tampered  Defect = "tampered"  // changed after signing
	Unsigned  Defect = "unsigned"  // without a signature
	Malformed Defect = "malformed" // signed, but not JSON
)

// Sign returns a message that is signed with a secret, with a defect if one is given.
func Sign(secret, eventType, call string, body []byte, defect Defect) Message {
	return SignWith(func(body []byte) string { return signature.Sign(secret, body) }, eventType, call, body, defect)
}

// SignWith is Sign with a function that returns the signature of a body.
func SignWith(sign func([]byte) string, eventType, call string, body []byte, defect Defect) Message {
	if defect == Malformed {
		body = []byte("call started, but this is not JSON")
	}
	m := Message{Type: eventType, Call: call, Body: body, Signature: sign(body)}
	switch defect {
	case Tampered:
		m.Body = append(bytes.Clone(body), ' ') // one more byte makes the signature invalid
	case Unsigned:
		m.Signature = ""
	}
	return m
}

// overhead is more than the bytes that SQS counts for the signature's attribute besides its
// value.
const overhead = 1 << 10

func (m Message) size() int { return len(m.Body) + len(m.Signature) + overhead }

// Send sends messages in batches, and returns the ids that SQS gave them. With an error it
// returns the ids of the messages that were sent before.
func Send(ctx context.Context, client *sqs.Client, queueURL string, messages []Message) (ids []string, err error) {
	for batch := range sqscall.Batches(messages, Message.size) {
		out, err := client.SendMessageBatch(ctx, batchInput(queueURL, batch))
		if err != nil {
			return ids, err
		}
		for _, sent := range out.Successful {
			ids = append(ids, aws.ToString(sent.MessageId))
		}
		if len(out.Failed) > 0 {
			first := out.Failed[0]
			return ids, fmt.Errorf("SQS refused %d of %d events, the first with %s: %s", len(out.Failed), len(batch), aws.ToString(first.Code), aws.ToString(first.Message))
		}
	}
	return ids, nil
}

func batchInput(queueURL string, messages []Message) *sqs.SendMessageBatchInput {
	in := &sqs.SendMessageBatchInput{QueueUrl: &queueURL}
	for i, m := range messages {
		entry := types.SendMessageBatchRequestEntry{Id: sqscall.EntryID(i), MessageBody: aws.String(string(m.Body))}
		if m.Signature != "" {
			entry.MessageAttributes = map[string]types.MessageAttributeValue{sqscall.SignatureAttribute: sqscall.Text(m.Signature)}
		}
		if sqscall.IsFIFO(queueURL) {
			entry.MessageGroupId = aws.String(m.Call)
			entry.MessageDeduplicationId = aws.String(rand.Text()) // so that SQS does not drop copies
		}
		in.Entries = append(in.Entries, entry)
	}
	return in
}
