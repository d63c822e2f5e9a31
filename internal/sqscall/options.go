package sqscall

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Options are the client options of every call. They switch the SDK's retries off: only
// the callers know how long a lease lasts, when an answer is due, and whether they have to
// stop. They switch off its MD5 of each body too, since the signature proves more.
func Options(o *sqs.Options) {
	o.Retryer = aws.NopRetryer{}
	o.DisableMessageChecksumValidation = true
	o.HTTPClient = inMemory{o.HTTPClient}
}

// inMemory passes request bodies to net/http in a type that it knows to be in memory.
//
// With the SDK's type of body, net/http sends the headers in a packet of their own, and
// reads on to find the body's end after the server has all of it. The SDK closes the body
// when there is an answer. If that is before net/http has seen the end, it takes the
// request for failed and drops the connection while the answer is read, and the messages
// that SQS returned are invisible for a whole visibility timeout. That happens with a
// server as near and fast as LocalStack.
type inMemory struct{ sqs.HTTPClient }

func (c inMemory) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.ContentLength < 0 {
		return c.HTTPClient.Do(r)
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return nil, err
	}
	clone := *r
	clone.Body = io.NopCloser(bytes.NewReader(body))
	return c.HTTPClient.Do(&clone)
}
