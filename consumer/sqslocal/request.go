package sqslocal

import (
	"context"
	"strings"
	"time"

	"wildix-worker/consumer/sqslocal/internal/account"
	"wildix-worker/consumer/sqslocal/internal/queue"
	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// request is what an action gets besides its input.
type request struct {
	ctx     context.Context
	host    string // the host the client sent the request to, for queue URLs
	account *account.Account
	fault   drawnFault
}

// queueURL returns the URL of a queue as this client reaches it.
func (r *request) queueURL(name string) string { return "http://" + r.host + queuePath(name) }

func queuePath(name string) string { return "/" + queue.AccountID + "/" + name }

// queueName returns the name of the queue with the URL, which is its last part. The host can be any, since clients may know the
// server by different names.
func queueName(url string) (string, error) {
	if url == "" {
		return "", sqserr.MissingParameter("QueueUrl")
	}
	return lastPart(url), nil
}

func lastPart(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

// empty is the output of actions that return nothing.
type empty struct{}

// update calls f with the queue of the URL; see account.Update.
func (r *request) update(url string, f func(q *queue.Queue, now time.Time) error) error {
	name, err := queueName(url)
	if err != nil {
		return err
	}
	return r.account.Update(name, f)
}
