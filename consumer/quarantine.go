package consumer

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/sqscall"
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
			Id: sqscall.EntryID(i), MessageBody: aws.String(string(m.body)), MessageAttributes: m.quarantineAttributes(),
		}
		if sqscall.IsFIFO(s.quarantineURL) {
			entries[i].MessageGroupId, entries[i].MessageDeduplicationId = &m.id, &m.id
		}
	}
	out, err := s.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &s.quarantineURL, Entries: entries}, sqscall.Options)
	if err != nil {
		return nil, err
	}
	sent := make([]*string, len(out.Successful))
	for i := range out.Successful {
		sent[i] = out.Successful[i].Id
	}
	return sqscall.Failures(len(entries), sent, out.Failed), nil
}

// quarantineAttributes are the original signature, if there is one, and why the
// message is in quarantine, if there is room for that.
func (m *message) quarantineAttributes() map[string]types.MessageAttributeValue {
	original := make(map[string]types.MessageAttributeValue)
	if m.attribute != nil {
		original[sqscall.SignatureAttribute] = *m.attribute
	}
	all := maps.Clone(original)
	all[outcomeAttribute] = sqscall.Text(m.opened.Outcome.String())
	all[reasonAttribute] = sqscall.Text(m.opened.Err.Error())
	all[messageIDAttribute] = sqscall.Text(m.id)
	if len(m.body)+sqscall.AttributesSize(all) > sqscall.MaxSize {
		return original
	}
	return all
}

// quarantineSize is what SQS counts of the copy in quarantine.
func (m *message) quarantineSize() int {
	return len(m.body) + sqscall.AttributesSize(m.quarantineAttributes())
}
