package consumer

import (
	"net/url"
	"strings"

	"wildix-worker/internal/sqscall"
)

// CheckQueueURL returns an error unless the text is the URL of a queue, such as
// https://sqs.eu-central-1.amazonaws.com/123456789012/wildix-events. It does not
// check whether the queue exists.
func CheckQueueURL(text string) error { return sqscall.CheckQueueURL(text) }

// queuePath returns the path of a queue's URL: the account and the queue's name.
func queuePath(queueURL string) string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return queueURL
	}
	return strings.Trim(u.Path, "/")
}
