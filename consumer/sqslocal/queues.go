package sqslocal

import (
	"time"

	"wildix-worker/consumer/sqslocal/internal/queue"
)

// CreateQueue creates a queue as the API action of that name does, with attributes such as {"VisibilityTimeout": "60"} or nil. It
// returns the queue's URL, which has no host if the server has no listener yet. A queue that exists with the same attributes is no
// error. The text of an error begins with SQS's name for it, such as "InvalidAttributeValue: ".
func (s *Server) CreateQueue(name string, attributes map[string]string) (url string, err error) {
	if err := s.account.Create(name, attributes); err != nil {
		return "", err
	}
	return s.URL() + queuePath(name), nil
}

// Depth counts the messages of a queue, as the ApproximateNumberOfMessages attributes do.
type Depth struct {
	Visible  int // ready to be received; on a FIFO queue also those that wait for others of their group
	InFlight int // received, neither deleted nor visible again
	Delayed  int // sent, not yet visible for the first time
}

// Depth counts the messages of a queue as of now. All counts are zero if there is no such queue.
func (s *Server) Depth(queueName string) (d Depth) {
	_ = s.account.Update(queueName, func(q *queue.Queue, now time.Time) error { // the only error is that of a missing queue
		d = Depth(q.Depth(now))
		return nil
	})
	return d
}
