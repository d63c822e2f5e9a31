package consumer

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// What a message in quarantine has besides its body and its X-SIGNATURE, which
// are those it came with.
const (
	outcomeAttribute   = "WILDIX-OUTCOME"    // rejected or malformed
	reasonAttribute    = "WILDIX-REASON"     // such as "signature mismatch"
	messageIDAttribute = "WILDIX-MESSAGE-ID" // SQS's id of the original
)

// quarantineBatch sends copies of the messages to the quarantine queue.
func (s caller) quarantineBatch(ctx context.Context, b *batch) (map[string]string, error) {
	entries := make([]types.SendMessageBatchRequestEntry, len(b.messages))
	for i, m := range b.messages {
		entries[i] = types.SendMessageBatchRequestEntry{
			Id: entryID(i), MessageBody: aws.String(string(m.body)), MessageAttributes: m.quarantineAttributes(),
		}
		if isFIFO(s.quarantineURL) {
			entries[i].MessageGroupId, entries[i].MessageDeduplicationId = &m.id, &m.id
		}
	}
	out, err := s.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &s.quarantineURL, Entries: entries}, callOptions)
	if err != nil {
		return nil, err
	}
	sent := make([]*string, len(out.Successful))
	for i := range out.Successful {
		sent[i] = out.Successful[i].Id
	}
	return failures(len(entries), sent, out.Failed), nil
}

// quarantineAttributes are the original signature, if there is one, and why the
// message is in quarantine, if there is room for that.
func (m *message) quarantineAttributes() map[string]types.MessageAttributeValue {
	text := func(value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	original := make(map[string]types.MessageAttributeValue)
	if m.attribute != nil {
		original[signatureAttribute] = *m.attribute
	}
	all := maps.Clone(original)
	all[outcomeAttribute] = text(m.opened.Outcome.String())
	all[reasonAttribute] = text(m.opened.Err.Error())
	all[messageIDAttribute] = text(m.id)
	if len(m.body)+attributesSize(all) > maxSize {
		return original
	}
	return all
}

// quarantineSize is what SQS counts of the copy in quarantine.
func (m *message) quarantineSize() int {
	return len(m.body) + attributesSize(m.quarantineAttributes())
}

func attributesSize(attributes map[string]types.MessageAttributeValue) (size int) {
	for name, a := range attributes {
		size += len(name) + len(aws.ToString(a.DataType)) + len(aws.ToString(a.StringValue)) + len(a.BinaryValue)
	}
	return size
}
