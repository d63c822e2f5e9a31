package sqslocal

import (
	"strings"
	"time"

	"wildix-worker/consumer/sqslocal/internal/queue"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// page selects the part of a list that one answer has.
type page struct {
	MaxResults *int
	NextToken  string // the last name of the previous page
}

type listQueuesInput struct {
	QueueNamePrefix string
	page
}

type listQueuesOutput struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

func listQueues(r *request, in *listQueuesInput) (*listQueuesOutput, error) {
	urls, next, err := list(r, in.page, func(q *queue.Queue) bool { return strings.HasPrefix(q.Name(), in.QueueNamePrefix) })
	if err != nil {
		return nil, err
	}
	return &listQueuesOutput{urls, next}, nil
}

type listSourcesInput struct {
	QueueUrl string
	page
}

type listSourcesOutput struct {
	QueueURLs []string `json:"queueUrls"` // the only name in the API that begins with a lower-case letter
	NextToken string   `json:",omitempty"`
}

func listDeadLetterSourceQueues(r *request, in *listSourcesInput) (*listSourcesOutput, error) {
	var arn string
	if err := r.update(in.QueueUrl, func(q *queue.Queue, _ time.Time) error {
		arn = q.ARN()
		return nil
	}); err != nil {
		return nil, err
	}
	urls, next, err := list(r, in.page, func(q *queue.Queue) bool {
		redrive := q.Settings().Redrive
		return redrive != nil && redrive.TargetARN == arn
	})
	if err != nil {
		return nil, err
	}
	return &listSourcesOutput{urls, next}, nil
}

// list returns the URLs of one page of the queues that match, in order of their names, and the token of the next page if there is one.
func list(r *request, p page, match func(*queue.Queue) bool) (urls []string, next string, err error) {
	limit := 1000
	if p.MaxResults != nil {
		limit = *p.MaxResults
	}
	if limit < 1 || limit > 1000 {
		return nil, "", sqserr.InvalidValue("Value for parameter MaxResults is invalid. Reason: Must be an integer from 1 to 1000.")
	}
	names := r.account.Names(func(q *queue.Queue) bool { return q.Name() > p.NextToken && match(q) })
	if len(names) > limit {
		names = names[:limit]
		if p.MaxResults != nil { // as documented, only a request that sets a limit gets a token
			next = names[limit-1]
		}
	}
	for _, name := range names {
		urls = append(urls, r.queueURL(name))
	}
	return urls, next, nil
}
