package sqslocal

import (
	"time"

	"wildix-worker/consumer/sqslocal/internal/message"
	"wildix-worker/consumer/sqslocal/internal/queue"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// outgoing is a message in the input of SendMessage and SendMessageBatch.
type outgoing struct {
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       message.Attributes
	MessageSystemAttributes message.Attributes
	MessageGroupId          string
	MessageDeduplicationId  string
}

type sendMessageInput struct {
	QueueUrl string
	outgoing
}

type sendResult struct {
	MessageId                    string
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
	SequenceNumber               string `json:",omitempty"`
}

// send sends the message to a queue.
func (o *outgoing) send(q *queue.Queue, now time.Time) (*sendResult, error) {
	sent, err := q.Send(message.Content{
		Body:             o.MessageBody,
		Attributes:       o.MessageAttributes,
		SystemAttributes: o.MessageSystemAttributes,
		GroupID:          o.MessageGroupId,
		DeduplicationID:  o.MessageDeduplicationId,
	}, o.DelaySeconds, now)
	if err != nil {
		return nil, err
	}
	return &sendResult{sent.MessageID, sent.BodyMD5, o.MessageAttributes.MD5(), o.MessageSystemAttributes.MD5(), sent.SequenceNumber}, nil
}

func sendMessage(r *request, in *sendMessageInput) (result *sendResult, err error) {
	err = r.update(in.QueueUrl, func(q *queue.Queue, now time.Time) error {
		result, err = in.send(q, now)
		return err
	})
	return result, err
}

type sendMessageBatchInput struct {
	QueueUrl string
	Entries  []sendEntry
}

type sendEntry struct {
	Id string
	outgoing
}

func (e sendEntry) id() string { return e.Id }

type sentEntry struct {
	Id string
	*sendResult
}

func sendMessageBatch(r *request, in *sendMessageBatchInput) (result *batchResult[sentEntry], err error) {
	size := 0
	for _, e := range in.Entries {
		size += len(e.MessageBody) + e.MessageAttributes.Size()
	}
	if size > message.MaxSize {
		return nil, sqserr.BatchTooLong(message.MaxSize)
	}
	err = r.update(in.QueueUrl, func(q *queue.Queue, now time.Time) error {
		result, err = runBatch(&r.fault, in.Entries, func(e sendEntry) (sentEntry, error) {
			sent, err := e.send(q, now)
			return sentEntry{e.Id, sent}, err
		})
		return err
	})
	return result, err
}
