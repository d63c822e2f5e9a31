package sqscall

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Limits of SQS.
const (
	MaxBatch = 10      // messages a receive, entries a batch call
	MaxSize  = 1 << 20 // bytes of a message, and of all messages of a batch, attributes included
)

// SignatureAttribute is the message attribute that carries the signature.
const SignatureAttribute = "X-SIGNATURE"

// Text is a String attribute.
func Text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

// AttributesSize is what SQS counts of the attributes of a message.
func AttributesSize(attributes map[string]types.MessageAttributeValue) (size int) {
	for name, a := range attributes {
		size += len(name) + len(aws.ToString(a.DataType)) + len(aws.ToString(a.StringValue)) + len(a.BinaryValue)
	}
	return size
}

// IsFIFO tells a queue's kind from its name or URL, as SQS does.
func IsFIFO(queue string) bool { return strings.HasSuffix(queue, ".fifo") }
