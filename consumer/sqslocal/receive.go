package sqslocal

import (
	"slices"
	"strconv"
	"time"

	"wildix-worker/consumer/sqslocal/internal/account"
	"wildix-worker/consumer/sqslocal/internal/message"
	"wildix-worker/consumer/sqslocal/internal/queue"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

type receiveMessageInput struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	MessageAttributeNames       []string
	MessageSystemAttributeNames []string
	AttributeNames              []string // the older name of MessageSystemAttributeNames
}

// received is a message in the output of ReceiveMessage.
type received struct {
	MessageId              string
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string  `json:",omitempty"`
	MD5OfMessageAttributes string             `json:",omitempty"`
	MessageAttributes      message.Attributes `json:",omitempty"`
}

type receiveMessageOutput struct {
	Messages []received `json:",omitempty"`
}

func receiveMessage(r *request, in *receiveMessageInput) (*receiveMessageOutput, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	name, err := queueName(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	options := account.ReceiveOptions{
		Limit:      1,
		Wait:       seconds(in.WaitTimeSeconds),
		Visibility: seconds(in.VisibilityTimeout),
		Duplicate:  r.fault.Duplicate,
	}
	if in.MaxNumberOfMessages != nil {
		options.Limit = *in.MaxNumberOfMessages
	}
	deliveries, err := r.account.Receive(r.ctx, name, options)
	if err != nil {
		return nil, err
	}
	out := &receiveMessageOutput{Messages: make([]received, len(deliveries))}
	for i := range deliveries {
		out.Messages[i] = in.render(&deliveries[i])
	}
	return out, nil
}

func (in *receiveMessageInput) validate() error {
	for _, p := range []struct {
		name     string
		value    *int
		min, max int
	}{
		{"MaxNumberOfMessages", in.MaxNumberOfMessages, 1, 10},
		{"VisibilityTimeout", in.VisibilityTimeout, 0, 43200},
		{"WaitTimeSeconds", in.WaitTimeSeconds, 0, 20},
	} {
		if p.value != nil && (*p.value < p.min || *p.value > p.max) {
			return sqserr.InvalidValue("Value %d for parameter %s is invalid. Reason: Must be between %d and %d, if provided.", *p.value, p.name, p.min, p.max)
		}
	}
	return nil
}

func seconds(n *int) *time.Duration {
	if n == nil {
		return nil
	}
	return new(time.Duration(*n) * time.Second)
}

func (in *receiveMessageInput) render(d *queue.Delivery) received {
	attributes := d.Attributes.Select(in.MessageAttributeNames)
	return received{
		MessageId:              d.MessageID,
		ReceiptHandle:          d.ReceiptHandle,
		MD5OfBody:              d.BodyMD5,
		Body:                   d.Body,
		Attributes:             in.systemAttributes(d),
		MD5OfMessageAttributes: attributes.MD5(),
		MessageAttributes:      attributes,
	}
}

var systemAttributeNames = []string{
	"SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "MessageGroupId",
	"MessageDeduplicationId", "SequenceNumber", "DeadLetterQueueSourceArn", message.TraceHeader,
}

// systemAttributes returns the system attributes that the input asks for and the message has.
func (in *receiveMessageInput) systemAttributes(d *queue.Delivery) map[string]string {
	names := slices.Concat(in.MessageSystemAttributeNames, in.AttributeNames)
	if len(names) == 0 {
		return nil
	}
	if slices.Contains(names, "All") {
		names = systemAttributeNames
	}
	selected := make(map[string]string, len(names))
	for _, name := range names {
		if value := systemAttribute(d, name); value != "" {
			selected[name] = value
		}
	}
	return selected
}

// systemAttribute returns the value of a system attribute, or "" if the message does not have it.
func systemAttribute(d *queue.Delivery, name string) string {
	switch name {
	case "SenderId":
		return "AIDALOCALLOCALLOCALLO"
	case "SentTimestamp":
		return strconv.FormatInt(d.Sent.UnixMilli(), 10)
	case "ApproximateReceiveCount":
		return strconv.Itoa(d.ReceiveCount)
	case "ApproximateFirstReceiveTimestamp":
		return strconv.FormatInt(d.FirstReceived.UnixMilli(), 10)
	case "MessageGroupId":
		return d.GroupID
	case "MessageDeduplicationId":
		return d.DeduplicationID
	case "SequenceNumber":
		return d.SequenceNumber
	case "DeadLetterQueueSourceArn":
		return d.SourceARN
	case message.TraceHeader:
		return d.SystemAttributes[message.TraceHeader].StringValue
	}
	return ""
}
