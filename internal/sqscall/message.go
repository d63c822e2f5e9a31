package sqscall

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Limits of SQS.
const (
	MaxBatch = 10      // messages of a receive, entries of a batch call
	MaxSize  = 1 << 20 // bytes of a message, and of all messages of a batch, with their attributes
)

// SignatureAttribute is the message attribute that carries the signature.
const SignatureAttribute = "X-SIGNATURE"

// Text returns a String attribute.
func Text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

// AttributesSize returns the size of a message's attributes as SQS counts it, in bytes.
func AttributesSize(attributes map[string]types.MessageAttributeValue) (size int) {
	for name, a := range attributes {
		size += len(name) + len(aws.ToString(a.DataType)) + len(aws.ToString(a.StringValue)) + len(a.BinaryValue)
	}
	return size
}

// IsFIFO reports whether a queue is a FIFO queue, by its name or URL as SQS does.
func IsFIFO(queue string) bool { return strings.HasSuffix(queue, ".fifo") }
