package settle

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/sqscall"
)

// maxQuarantining is how many messages may wait for the quarantine queue. If it is
// slower, further ones are left, or forged messages could stop all receiving.
const maxQuarantining = 10 * sqscall.MaxBatch

// The attributes that a message in quarantine has besides its X-SIGNATURE.
const (
	outcomeAttribute   = "WILDIX-OUTCOME"    // rejected or malformed
	reasonAttribute    = "WILDIX-REASON"     // such as "signature mismatch"
	messageIDAttribute = "WILDIX-MESSAGE-ID" // SQS's id of the original
)

// A Copy is what the quarantine queue gets of a message.
type Copy struct {
	Body      []byte
	Signature *types.MessageAttributeValue // as it was received; nil if there was none
	Outcome   string
	Reason    string
}

// entry returns the copy of the message with this id as an entry of a batch call.
func (c *Copy) entry(messageID string) types.SendMessageBatchRequestEntry {
	return types.SendMessageBatchRequestEntry{
		MessageBody: aws.String(string(c.Body)), MessageAttributes: c.attributes(messageID),
	}
}

// attributes returns the original signature and, unless the message becomes too
// large for SQS, why it is in quarantine.
func (c *Copy) attributes(messageID string) map[string]types.MessageAttributeValue {
	original := make(map[string]types.MessageAttributeValue)
	if c.Signature != nil {
		original[sqscall.SignatureAttribute] = *c.Signature
	}
	all := maps.Clone(original)
	all[outcomeAttribute] = sqscall.Text(c.Outcome)
	all[reasonAttribute] = sqscall.Text(c.Reason)
	all[messageIDAttribute] = sqscall.Text(messageID)
	if len(c.Body)+sqscall.AttributesSize(all) > sqscall.MaxSize {
		return original
	}
	return all
}

// size is what SQS counts of the copy.
func (c *Copy) size(messageID string) int {
	return len(c.Body) + sqscall.AttributesSize(c.attributes(messageID))
}
