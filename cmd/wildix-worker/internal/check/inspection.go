package check

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/handlers"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/cmd/wildix-worker/internal/worker"
	"wildix-worker/consumer"
	"wildix-worker/internal/sqscall"
)

// An inspection holds the results of earlier checks that later ones need.
type inspection struct {
	settings *worker.Settings
	timeout  time.Duration // of one check

	cfg           consumer.Config
	destinations  *handlers.Destinations
	settingsRight bool
	aws           *aws.Config            // nil if the queue's URL or the AWS settings are wrong
	client        *sqs.Client            // nil without credentials
	queue         awsclient.Attributes   // the answer to the first request
	accepted      bool                   // AWS has not refused the credentials
	redrive       *sqscall.RedrivePolicy // nil unless the queue has one that can be parsed
}

// withTimeout runs a check, with a context that ends after the timeout.
func (i *inspection) withTimeout(ctx context.Context, check func(context.Context, *inspection) finding) finding {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	return check(ctx, i)
}

// explain returns why a request failed, and what to do about it.
func (i *inspection) explain(err error) string {
	if reason := awsclient.Explain(i.cfg.QueueURL, err); reason != nil {
		return reason.Error()
	}
	switch code := awsclient.ErrorCode(err); {
	case strings.HasPrefix(code, "HTTP "):
		return fmt.Sprintf("the answer is %s, and not from SQS; check for a proxy in between, and AWS_ENDPOINT_URL_SQS", code)
	case code != "":
		return fmt.Sprintf("SQS answers %s, which may be temporary; check again", code)
	}
	endpoint := i.cfg.QueueURL
	if request, ok := errors.AsType[*url.Error](err); ok {
		endpoint = request.URL
	}
	const network = "check the network, security groups, a VPC endpoint, HTTPS_PROXY and AWS_ENDPOINT_URL_SQS"
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer from %s within %s; %s", endpoint, i.timeout, network)
	}
	return fmt.Sprintf("%s can't be reached (%v); %s", endpoint, term.RootCause(err), network)
}
