// Package awsclient makes clients of SQS from the environment and a queue's URL, asks for
// the queue, and explains AWS's errors in a sentence for people.
package awsclient

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
)

// IdleConnections is how many connections are kept open: enough for all polls and all
// batch calls at once.
const IdleConnections = 64

// New returns a client for a queue. The environment, profiles and roles count as in every
// AWS program; region and endpoint, where they are not set, come from the queue's URL. It
// sends no request, except for credentials.
func New(ctx context.Context, queueURL string) (*sqs.Client, error) {
	region, _ := Locate(queueURL)
	cfg, err := LoadConfig(ctx, region, queueURL)
	if err != nil {
		return nil, err
	}
	if _, err := Credentials(ctx, cfg); err != nil {
		return nil, err
	}
	return FromConfig(cfg, queueURL), nil
}

// LoadConfig returns the configuration of the AWS SDK. Region is used unless it is empty;
// name is the queue or the setting that an error names.
func LoadConfig(ctx context.Context, region, name string) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = IdleConnections
		})),
	}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, &exit.UsageError{Err: fmt.Errorf("AWS configuration: %w", err)}
	}
	if cfg.Region == "" {
		return cfg, &exit.UsageError{Err: fmt.Errorf("no AWS region: set AWS_REGION, since %s does not name one", name)}
	}
	return cfg, nil
}

// Credentials finds credentials, without asking AWS whether it accepts them.
func Credentials(ctx context.Context, cfg aws.Config) (aws.Credentials, error) {
	found, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return found, fmt.Errorf("no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is attached (%w)", term.RootCause(err))
	}
	return found, nil
}

// FromConfig returns a client for a queue, at AWS or elsewhere.
func FromConfig(cfg aws.Config, queueURL string) *sqs.Client {
	_, endpoint := Locate(queueURL)
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if o.BaseEndpoint == nil && endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
}

// awsHost is the host of a queue's URL at AWS: the current form, and the old one that
// some consoles still show.
var awsHost = regexp.MustCompile(`^(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com(?:\.cn)?$`)

// Locate returns the region of a queue at AWS, or the endpoint of one elsewhere: on
// LocalStack, an embedded queue, behind a VPC endpoint.
func Locate(queueURL string) (region, endpoint string) {
	u, err := url.Parse(queueURL)
	if err != nil || u.Host == "" {
		return "", ""
	}
	if m := awsHost.FindStringSubmatch(u.Hostname()); m != nil {
		return m[1] + m[2], ""
	}
	return "", u.Scheme + "://" + u.Host
}

// SameClient reports whether one client reaches both queues. It is true if the first URL
// is not one of a queue.
func SameClient(queueURL, other string) bool {
	region, endpoint := Locate(queueURL)
	otherRegion, otherEndpoint := Locate(other)
	return region == otherRegion && endpoint == otherEndpoint || consumer.CheckQueueURL(queueURL) != nil
}
