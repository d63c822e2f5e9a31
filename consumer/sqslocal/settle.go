package sqslocal

import (
	"time"

	"wildix-worker/consumer/sqslocal/internal/queue"
)

type deleteMessageInput struct {
	QueueUrl      string
	ReceiptHandle string
}

func deleteMessage(r *request, in *deleteMessageInput) (empty, error) {
	return empty{}, r.update(in.QueueUrl, func(q *queue.Queue, now time.Time) error {
		return q.Delete(in.ReceiptHandle, now)
	})
}

type deleteMessageBatchInput struct {
	QueueUrl string
	Entries  []deleteEntry
}

type deleteEntry struct{ Id, ReceiptHandle string }

func (e deleteEntry) id() string { return e.Id }

type idOnly struct{ Id string }

func deleteMessageBatch(r *request, in *deleteMessageBatchInput) (result *batchResult[idOnly], err error) {
	err = r.update(in.QueueUrl, func(q *queue.Queue, now time.Time) error {
		result, err = runBatch(&r.fault, in.Entries, func(e deleteEntry) (idOnly, error) {
			return idOnly{e.Id}, q.Delete(e.ReceiptHandle, now)
		})
		return err
	})
	return result, err
}

type changeVisibilityInput struct {
	QueueUrl          string
	ReceiptHandle     string
	VisibilityTimeout *int
}

func changeMessageVisibility(r *request, in *changeVisibilityInput) (empty, error) {
	return empty{}, r.update(in.QueueUrl, func(q *queue.Queue, now time.Time) error {
		return q.ChangeVisibility(in.ReceiptHandle, in.VisibilityTimeout, now)
	})
}

type changeVisibilityBatchInput struct {
	QueueUrl string
	Entries  []changeEntry
}

type changeEntry struct {
	Id, ReceiptHandle string
	VisibilityTimeout *int
}

func (e changeEntry) id() string { return e.Id }

func changeMessageVisibilityBatch(r *request, in *changeVisibilityBatchInput) (result *batchResult[idOnly], err error) {
	err = r.update(in.QueueUrl, func(q *queue.Queue, now time.Time) error {
		result, err = runBatch(&r.fault, in.Entries, func(e changeEntry) (idOnly, error) {
			return idOnly{e.Id}, q.ChangeVisibility(e.ReceiptHandle, e.VisibilityTimeout, now)
		})
		return err
	})
	return result, err
}
