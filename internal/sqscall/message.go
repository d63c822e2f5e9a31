package sqscall

import (
	"cmp"
	"strconv"
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

// A Message is what a worker needs of a received message. It has its own memory, so that one
// that is held for hours does not keep the answer that it came with.
type Message struct {
	Body []byte
	// Receipt is the id, or the receipt handle if SQS sent none, and then the receipt handle.
	Receipt string
	IDSize  int
	// Texts are the signature, which may be empty, and then the group, of a FIFO queue.
	Texts         string
	SignatureSize int

	NotString     *types.MessageAttributeValue // the attribute of the signature, if it is not a String
	ReceiveCount  int32                        // 1 if unknown
	Sent          int64                        // in Unix milliseconds; zero if unknown
	FirstReceived int64                        // the same; changes when a message is redriven
}

// MessageOf returns what a worker needs of a message of the SDK.
func MessageOf(received *types.Message) Message {
	system := func(name types.MessageSystemAttributeName) string { return received.Attributes[string(name)] }
	m := Message{
		Body:          []byte(aws.ToString(received.Body)),
		ReceiveCount:  receiveCount(system(types.MessageSystemAttributeNameApproximateReceiveCount)),
		Sent:          millis(system(types.MessageSystemAttributeNameSentTimestamp)),
		FirstReceived: millis(system(types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp)),
	}
	handle, signature := aws.ToString(received.ReceiptHandle), ""
	switch a, ok := received.MessageAttributes[SignatureAttribute]; {
	case !ok:
	case aws.ToString(a.DataType) != textType || a.StringValue == nil:
		m.NotString = &a
	default:
		signature = *a.StringValue
	}
	id := cmp.Or(aws.ToString(received.MessageId), handle)
	m.Receipt, m.IDSize = id+handle, len(id)
	texts := signature + system(types.MessageSystemAttributeNameMessageGroupId)
	m.Texts, m.SignatureSize = strings.Clone(texts), len(signature) // if one is empty, + does not copy the other
	return m
}

// Group returns the group of a message of a FIFO queue, or an empty text.
func (m *Message) Group() string { return m.Texts[m.SignatureSize:] }

// receiveCount reads how often a message was received.
func receiveCount(text string) int32 {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil && n > 0 {
		return int32(n)
	}
	return 1
}

// millis reads a time in Unix milliseconds. It returns zero if there is none.
func millis(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// textType is the type of an attribute that is a text.
const textType = "String"

// Text returns a String attribute.
func Text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String(textType), StringValue: &value}
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
