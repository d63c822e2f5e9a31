package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// An answer is what came of asking for a queue's attributes.
type answer struct {
	attributes map[string]string // nil if they were refused
	err        error
	at         time.Time // when it came, by our clock
	date       time.Time // and by the server's; zero if it told none
}

// ask leaves the SDK its retries: a check that meets one reset connection
// should not say that the queue can't be used.
func ask(ctx context.Context, client *sqs.Client, queueURL string) answer {
	out, err := attributes(ctx, client, queueURL)
	a := answer{err: err, at: time.Now()}
	var refused *awshttp.ResponseError
	switch {
	case err == nil:
		a.attributes = out.Attributes
		if a.attributes == nil { // a server may leave out what is empty
			a.attributes = map[string]string{}
		}
		a.date, _ = middleware.GetServerTime(out.ResultMetadata)
	case errors.As(err, &refused) && refused.HTTPStatusCode() != 0:
		a.date, _ = http.ParseTime(refused.Response.Header.Get("Date"))
	}
	return a
}

// came reports whether the server answered at all.
func (a answer) came() bool { return a.attributes != nil || answerCode(a.err) != "" }

// usable reports whether there is a queue to be asked further.
func (a answer) usable() bool { return a.attributes != nil || denied(a.err) }

// held returns how many messages the queue holds, whatever their state.
func (a answer) held() int {
	sum := 0
	for _, name := range []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	} {
		n, _ := strconv.Atoi(a.attributes[string(name)])
		sum += n
	}
	return sum
}

// trouble says in a sentence why a request came to nothing.
func (i *inspection) trouble(err error) string {
	if reason := refusal(i.cfg.QueueURL, err); reason != nil {
		return reason.Error()
	}
	switch code := answerCode(err); {
	case strings.HasPrefix(code, "HTTP "):
		return fmt.Sprintf("an answer with %s that is not SQS's; look for a proxy in between, and at AWS_ENDPOINT_URL_SQS", code)
	case code != "":
		return fmt.Sprintf("SQS answers %s, which may pass; check again", code)
	}
	endpoint := i.cfg.QueueURL
	if sent, ok := errors.AsType[*url.Error](err); ok {
		endpoint = sent.URL
	}
	const network = "check the network, security groups, a VPC endpoint, HTTPS_PROXY and AWS_ENDPOINT_URL_SQS"
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer from %s within %s; %s", endpoint, i.limit, network)
	}
	return fmt.Sprintf("no way to reach %s (%v); %s", endpoint, rootCause(err), network)
}

const (
	// clockTolerance is what nobody minds.
	clockTolerance = time.Minute
	// clockLimit is how far off AWS says a signature may be. SQS has been seen
	// to refuse from 15 minutes on, other services from 5.
	clockLimit = 5 * time.Minute
)

// checkClock compares our clock with the server's, which is as exact as a
// second.
func checkClock(_ context.Context, i *inspection) finding {
	if i.first.date.IsZero() {
		return skipped("the server does not tell the time")
	}
	ahead := i.first.at.Sub(i.first.date).Round(time.Second)
	off := ahead.Abs()
	what := short(off) + " ahead of AWS's"
	if ahead < 0 {
		what = short(off) + " behind AWS's"
	}
	const set = "set the clock, and keep it right with a time service such as chrony"
	switch {
	case off >= clockLimit:
		// The SDK signs with the time that it saw in the refusal.
		return problem(what, "AWS refuses what is signed more than 5 minutes off; the AWS SDK corrects itself after the first refusal, so the worker may run all the same, but the times in its log are wrong; "+set)
	case off > clockTolerance:
		return warning(what, "the times in the log are wrong, and from 5 minutes on AWS refuses signatures; "+set)
	default:
		return fine("right within a minute")
	}
}
