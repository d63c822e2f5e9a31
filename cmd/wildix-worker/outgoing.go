package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/signature"
)

// signatureAttribute is the message attribute that carries the signature.
const signatureAttribute = "X-SIGNATURE"

// An outgoing message is what a PBX puts on the queue: a body and its signature.
type outgoing struct {
	eventType string
	call      string // of a FIFO queue, the group
	body      []byte
	signature string // none if empty
}

// What can be wrong with an outgoing message on purpose.
const (
	tampered  = "tampered"
	unsigned  = "unsigned"
	malformed = "malformed"
)

// newOutgoing signs a body, and then spoils it if bad says how.
func newOutgoing(secret, eventType, call string, body []byte, bad string) outgoing {
	if bad == malformed {
		body = []byte("call started, but this is no JSON")
	}
	p := outgoing{eventType: eventType, call: call, body: body, signature: signature.Sign(secret, body)}
	switch bad {
	case tampered:
		p.body = append(bytes.Clone(body), ' ') // one byte is enough
	case unsigned:
		p.signature = ""
	}
	return p
}

const (
	maxEntries = 10      // in a batch, as SQS limits it
	maxBytes   = 1 << 20 // of a batch, attributes included
	overhead   = 1 << 10 // for the rest of the attribute, with room to spare
)

// sendAll sends messages, up to ten in a call, and returns the ids of those
// that SQS took.
func sendAll(ctx context.Context, client *sqs.Client, queueURL string, messages []outgoing) (ids []string, err error) {
	for len(messages) > 0 {
		n := fitting(messages)
		out, err := client.SendMessageBatch(ctx, batchOf(queueURL, messages[:n]))
		if err != nil {
			return ids, err
		}
		for _, taken := range out.Successful {
			ids = append(ids, aws.ToString(taken.MessageId))
		}
		if len(out.Failed) > 0 {
			first := out.Failed[0]
			return ids, fmt.Errorf("SQS refused %d of %d events, the first with %s: %s", len(out.Failed), n, aws.ToString(first.Code), aws.ToString(first.Message))
		}
		messages = messages[n:]
	}
	return ids, nil
}

// fitting returns how many messages one batch takes, at least one.
func fitting(messages []outgoing) int {
	size := 0
	for i, p := range messages {
		size += len(p.body) + len(p.signature) + overhead // what was exported may have anything for a signature
		if i > 0 && size > maxBytes || i == maxEntries {
			return i
		}
	}
	return len(messages)
}

func batchOf(queueURL string, messages []outgoing) *sqs.SendMessageBatchInput {
	in := &sqs.SendMessageBatchInput{QueueUrl: &queueURL}
	for i, p := range messages {
		entry := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(p.body))}
		if p.signature != "" {
			entry.MessageAttributes = map[string]types.MessageAttributeValue{
				signatureAttribute: {DataType: aws.String("String"), StringValue: aws.String(p.signature)},
			}
		}
		if isFIFO(queueURL) {
			entry.MessageGroupId = aws.String(p.call)
			entry.MessageDeduplicationId = aws.String(rand.Text()) // copies are meant
		}
		in.Entries = append(in.Entries, entry)
	}
	return in
}

// createQueue makes the queue that a URL names. One that is there already is
// left as it is.
func createQueue(ctx context.Context, client *sqs.Client, queueURL string) error {
	name := queueURL[strings.LastIndex(queueURL, "/")+1:]
	attributes := map[string]string{}
	if isFIFO(name) {
		attributes["FifoQueue"] = "true"
	}
	_, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	var exists *types.QueueNameExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("create the queue %s: %w", name, err)
	}
	return nil
}
