package consumer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// SQS is what the consumer calls of SQS; *sqs.Client has it all.
type SQS interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	// SendMessageBatch is called only to put messages into quarantine.
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// callOptions apply to every call. The consumer retries by itself, knowing
// what the SDK can't: how long the lease lasts and whether it is to stop. The
// SDK's MD5 of each body is left out, since the HMAC proves more.
func callOptions(o *sqs.Options) {
	o.Retryer = aws.NopRetryer{}
	o.DisableMessageChecksumValidation = true
	o.HTTPClient = inMemory{o.HTTPClient}
}

// inMemory gives net/http request bodies that it knows to be in memory.
//
// It does not know the SDK's to be: it sends the headers ahead in a packet of
// their own, and looks for the body's end after the server has all of it. The
// SDK closes the body as soon as there is an answer, which net/http takes for a
// failed request when it looks that late: it drops the connection while the
// answer is being read, and what SQS has given out stays invisible for a whole
// visibility timeout. It takes a server as near as LocalStack to be that quick.
type inMemory struct{ sqs.HTTPClient }

func (c inMemory) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.ContentLength < 0 {
		return c.HTTPClient.Do(r)
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return nil, err
	}
	known := *r
	known.Body = io.NopCloser(bytes.NewReader(body))
	return c.HTTPClient.Do(&known)
}

// errorCode names the kind of an error in a word, for logs and to tell when
// one trouble gave way to another.
func errorCode(err error) string {
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		return api.ErrorCode()
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	default:
		return "connection"
	}
}

// isStale reports whether an entry's error code means that its receipt handle
// is of no more use: the message is deleted, visible, or with someone else.
func isStale(code string) bool {
	switch code {
	case "ReceiptHandleIsInvalid", "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight",
		"InvalidParameterValue", "InvalidParameterValueException":
		return true
	}
	return false
}

// seconds is d as SQS takes it.
func seconds(d time.Duration) int32 { return int32(d / time.Second) }
