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
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/cmd/wildix-worker/internal/worker"
	"wildix-worker/consumer"
	"wildix-worker/internal/sqscall"
)

// An inspection holds what earlier checks found, for later ones.
type inspection struct {
	settings *worker.Settings
	timeout  time.Duration // of one check

	cfg           consumer.Config
	settingsRight bool
	aws           *aws.Config            // nil if the settings don't lead to a queue
	client        *sqs.Client            // nil without credentials
	queue         awsclient.Attributes   // the answer to the first request
	accepted      bool                   // the credentials are, as far as is known
	redrive       *sqscall.RedrivePolicy // nil unless the queue has one that can be parsed
}

// withTimeout makes a check, with a context that ends after the timeout.
func (i *inspection) withTimeout(ctx context.Context, check func(context.Context, *inspection) finding) finding {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	return check(ctx, i)
}

// explain says in a sentence why a request failed.
func (i *inspection) explain(err error) string {
	if reason := awsclient.Explain(i.cfg.QueueURL, err); reason != nil {
		return reason.Error()
	}
	switch code := awsclient.ErrorCode(err); {
	case strings.HasPrefix(code, "HTTP "):
		return fmt.Sprintf("an answer with %s that is not SQS's; check for a proxy in between, and AWS_ENDPOINT_URL_SQS", code)
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
