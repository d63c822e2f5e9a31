package sqscall

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Options apply to every call. The callers retry by themselves, knowing what
// the SDK can't: how long a lease lasts, when an answer is due, whether they are
// to stop. The SDK's MD5 of each body is left out, since the HMAC proves more.
func Options(o *sqs.Options) {
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
