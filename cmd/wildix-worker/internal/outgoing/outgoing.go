// Package outgoing signs messages as a PBX does, spoils them if asked to, and sends them
// to a queue.
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

// A Message is what a PBX puts on the queue: a body and its signature.
type Message struct {
	Type      string // of the event
	Call      string // the message group on a FIFO queue
	Body      []byte
	Signature string // empty for none
}

// A Defect is what is wrong with a message on purpose; empty for nothing.
type Defect = string

// The defects.
const (
	Tampered  Defect = "tampered"  // changed after signing
	Unsigned  Defect = "unsigned"  // without a signature
	Malformed Defect = "malformed" // signed, but not JSON
)

// Sign returns a signed message, with a defect if one is given.
func Sign(secret, eventType, call string, body []byte, defect Defect) Message {
	if defect == Malformed {
		body = []byte("call started, but this is no JSON")
	}
	m := Message{Type: eventType, Call: call, Body: body, Signature: signature.Sign(secret, body)}
	switch defect {
	case Tampered:
		m.Body = append(bytes.Clone(body), ' ') // one byte is enough
	case Unsigned:
		m.Signature = ""
	}
	return m
}

// overhead is what SQS counts for the signature's attribute besides its value, with room
// to spare.
const overhead = 1 << 10

func (m Message) size() int { return len(m.Body) + len(m.Signature) + overhead }

// Send sends messages in batches, and returns the ids that SQS gave them. After an error
// these are the messages that were sent.
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
			entry.MessageDeduplicationId = aws.String(rand.Text()) // SQS must not drop copies
		}
		in.Entries = append(in.Entries, entry)
	}
	return in
}
