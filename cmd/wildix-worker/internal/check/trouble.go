package check

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

// trouble says in a sentence why a request came to nothing.
func (i *inspection) trouble(err error) string {
	if reason := awsclient.Explain(i.cfg.QueueURL, err); reason != nil {
		return reason.Error()
	}
	switch code := awsclient.ErrorCode(err); {
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
	return fmt.Sprintf("no way to reach %s (%v); %s", endpoint, term.RootCause(err), network)
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
	if i.first.ServerTime.IsZero() {
		return skipped("the server does not tell the time")
	}
	ahead := i.first.ReceivedAt.Sub(i.first.ServerTime).Round(time.Second)
	off := ahead.Abs()
	what := term.Duration(off) + " ahead of AWS's"
	if ahead < 0 {
		what = term.Duration(off) + " behind AWS's"
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
