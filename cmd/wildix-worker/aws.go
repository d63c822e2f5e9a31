package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
)

// idleConnections is how many connections are kept: enough for all polls and
// all batch calls at once.
const idleConnections = 64

// newClient returns a client for a queue. The environment, profiles and roles
// count as in every AWS program; what they leave open, the queue's URL tells.
func newClient(ctx context.Context, queueURL string) (*sqs.Client, error) {
	region, endpoint := locate(queueURL)
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = idleConnections
		})),
	}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, &usageError{fmt.Errorf("AWS configuration: %w", err)}
	}
	if cfg.Region == "" {
		return nil, &usageError{fmt.Errorf("no AWS region: set AWS_REGION, since %s does not tell it", queueURL)}
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is attached (%w)", rootCause(err))
	}
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if o.BaseEndpoint == nil && endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	}), nil
}

// rootCause is the innermost error, for messages that say the rest better.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// awsHost is the host of a queue's URL at AWS: the current form, and the old
// one that some consoles still show.
var awsHost = regexp.MustCompile(`^(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com(?:\.cn)?$`)

// locate tells the region of a queue at AWS, or the endpoint of one that is
// elsewhere: on LocalStack, an embedded queue, behind a VPC endpoint.
func locate(queueURL string) (region, endpoint string) {
	u, err := url.Parse(queueURL)
	if err != nil || u.Host == "" {
		return "", ""
	}
	if m := awsHost.FindStringSubmatch(u.Hostname()); m != nil {
		return m[1] + m[2], ""
	}
	return "", u.Scheme + "://" + u.Host
}

// sameClient reports whether two queues can be reached by one client, or the
// first not at all.
func sameClient(queueURL, other string) bool {
	region, endpoint := locate(queueURL)
	otherRegion, otherEndpoint := locate(other)
	return region == otherRegion && endpoint == otherEndpoint || consumer.CheckQueueURL(queueURL) != nil
}
