package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	region, _ := locate(queueURL)
	cfg, err := loadAWS(ctx, region, queueURL)
	if err != nil {
		return nil, err
	}
	if _, err := retrieve(ctx, cfg); err != nil {
		return nil, err
	}
	return clientOf(cfg, queueURL), nil
}

// loadAWS returns the configuration of the AWS SDK for a queue or a table, whose
// name tells its region, or does not.
func loadAWS(ctx context.Context, region, name string) (aws.Config, error) {
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
		return cfg, &usageError{fmt.Errorf("AWS configuration: %w", err)}
	}
	if cfg.Region == "" {
		return cfg, &usageError{fmt.Errorf("no AWS region: set AWS_REGION, since %s does not tell it", name)}
	}
	return cfg, nil
}

// retrieve finds credentials, without asking AWS whether it accepts them.
func retrieve(ctx context.Context, cfg aws.Config) (aws.Credentials, error) {
	found, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return found, fmt.Errorf("no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is attached (%w)", rootCause(err))
	}
	return found, nil
}

// clientOf returns a client that finds the queue, also where it is not at AWS.
func clientOf(cfg aws.Config, queueURL string) *sqs.Client {
	_, endpoint := locate(queueURL)
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if o.BaseEndpoint == nil && endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
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

// isFIFO tells a queue's kind from its name or URL, as SQS does.
func isFIFO(queue string) bool { return strings.HasSuffix(queue, ".fifo") }
