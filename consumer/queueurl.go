package consumer

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// CheckQueueURL returns an error unless the text is the URL of a queue, such as
// https://sqs.eu-central-1.amazonaws.com/123456789012/wildix-events. It does not
// check whether the queue exists.
func CheckQueueURL(text string) error {
	if text == "" {
		return errors.New("required; copy it from the queue's page in the SQS console")
	}
	if strings.HasPrefix(text, "arn:") {
		return fmt.Errorf("%q is the queue's ARN; the URL begins with https://", text)
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return fmt.Errorf("%q is not a queue URL such as https://sqs.eu-central-1.amazonaws.com/123456789012/wildix-events", text)
	}
	return nil
}

// queuePath returns the path of a queue's URL: the account and the queue's name.
func queuePath(queueURL string) string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return queueURL
	}
	return strings.Trim(u.Path, "/")
}
