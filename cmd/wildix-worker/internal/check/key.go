package check

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
)

// awsKey is AWS's own key for SQS, whose policy permits everyone who may use the queue.
const awsKey = "alias/aws/sqs"

// checkKey names the permissions on the key of a queue that is encrypted with KMS. No request
// tells whether they are there, unless a message is sent or received.
func checkKey(_ context.Context, i *inspection) finding {
	switch key := i.queue.Get(types.QueueAttributeNameKmsMasterKeyId); key {
	case "":
		return finding{}
	case awsKey:
		return ok(key + ", needs no permission within the account")
	default:
		advice := "not checked: on this key, the worker's user or role needs kms:Decrypt, and the PBX's user kms:GenerateDataKey and kms:Decrypt"
		if i.cfg.OnRejected == consumer.Quarantine {
			advice += "; if the quarantine queue has a key, the worker needs both there"
		}
		return finding{statusSkipped, key, advice}
	}
}
