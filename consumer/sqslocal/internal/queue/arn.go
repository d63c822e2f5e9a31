package queue

import "strings"

// The account and region that all queues belong to.
const (
	Region    = "us-east-1"
	AccountID = "000000000000"
	ARNPrefix = "arn:aws:sqs:" + Region + ":" + AccountID + ":"
)

// NameOfARN returns the name of the queue with the ARN.
func NameOfARN(arn string) string { return strings.TrimPrefix(arn, ARNPrefix) }
