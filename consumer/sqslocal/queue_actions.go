package sqslocal

import (
	"slices"
	"time"

	"wildix-worker/consumer/sqslocal/internal/queue"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// queueURL is the input of actions that need only a queue, and the output of those that return one.
type queueURL struct{ QueueUrl string }

type createQueueInput struct {
	QueueName  string
	Attributes map[string]string
}

func createQueue(r *request, in *createQueueInput) (*queueURL, error) {
	if err := r.account.Create(in.QueueName, in.Attributes); err != nil {
		return nil, err
	}
	return &queueURL{r.queueURL(in.QueueName)}, nil
}

type getQueueURLInput struct{ QueueName string }

func getQueueURL(r *request, in *getQueueURLInput) (*queueURL, error) {
	exists := func(*queue.Queue, time.Time) error { return nil }
	if err := r.account.Update(in.QueueName, exists); err != nil {
		return nil, err
	}
	return &queueURL{r.queueURL(in.QueueName)}, nil
}

func deleteQueue(r *request, in *queueURL) (empty, error) {
	name, err := queueName(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	return empty{}, r.account.Delete(name)
}

func purgeQueue(r *request, in *queueURL) (empty, error) {
	return empty{}, r.update(in.QueueUrl, func(q *queue.Queue, _ time.Time) error {
		q.Purge()
		return nil
	})
}

type getQueueAttributesInput struct {
	QueueUrl       string
	AttributeNames []string
}

type queueAttributes struct {
	Attributes map[string]string `json:",omitempty"`
}

func getQueueAttributes(r *request, in *getQueueAttributesInput) (*queueAttributes, error) {
	var all map[string]string
	if err := r.update(in.QueueUrl, func(q *queue.Queue, now time.Time) error {
		all = q.Attributes(now)
		return nil
	}); err != nil {
		return nil, err
	}
	if slices.Contains(in.AttributeNames, "All") {
		return &queueAttributes{all}, nil
	}
	selected := make(map[string]string)
	for _, name := range in.AttributeNames {
		if value, ok := all[name]; ok {
			selected[name] = value
		} else if !queue.KnownAttribute(name) {
			return nil, sqserr.AttributeName(name)
		}
	}
	return &queueAttributes{selected}, nil
}

type setQueueAttributesInput struct {
	QueueUrl   string
	Attributes map[string]string
}

func setQueueAttributes(r *request, in *setQueueAttributesInput) (empty, error) {
	name, err := queueName(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	return empty{}, r.account.SetAttributes(name, in.Attributes)
}
