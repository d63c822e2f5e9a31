package settle

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/sqscall"
)

// maxQuarantining is how many messages may wait for the quarantine queue. Further ones
// are left, so that a flood of forged messages does not stop receiving.
const maxQuarantining = 10 * sqscall.MaxBatch

// The attributes of a message in quarantine, besides its X-SIGNATURE.
const (
	outcomeAttribute   = "WILDIX-OUTCOME"    // rejected or malformed
	reasonAttribute    = "WILDIX-REASON"     // such as "signature mismatch"
	messageIDAttribute = "WILDIX-MESSAGE-ID" // SQS's id of the original
)

// A Copy is a message as it is sent to the quarantine queue.
type Copy struct {
	Body      []byte
	Signature *types.MessageAttributeValue // as it was received; nil if there was none
	Outcome   string
	Reason    string
}

// entry returns the copy as an entry of a batch call.
func (c *Copy) entry(messageID string) types.SendMessageBatchRequestEntry {
	return types.SendMessageBatchRequestEntry{
		MessageBody: aws.String(string(c.Body)), MessageAttributes: c.attributes(messageID),
	}
}

// attributes returns the original signature and the reason for the quarantine. If that
// makes the message too large for SQS, it returns the signature alone.
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

// size is the size of the copy as SQS counts it, in bytes.
func (c *Copy) size(messageID string) int {
	return len(c.Body) + sqscall.AttributesSize(c.attributes(messageID))
}
