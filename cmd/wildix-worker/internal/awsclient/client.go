// Package awsclient makes clients of SQS from the environment and a queue's URL, reads the
// queue's attributes, and explains AWS's errors in a sentence.
package awsclient

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/consumer"
	"wildix-worker/internal/sqscall"
)

// IdleConnections is how many connections are kept open: enough for all polls and all
// batch calls at once.
const IdleConnections = 64

// New returns a client for a queue. It finds credentials, region and endpoint as every AWS
// program does; the queue's URL is the default for region and endpoint. New sends no request
// except to get credentials.
func New(ctx context.Context, queueURL string) (*sqs.Client, error) {
	cfg, err := LoadConfig(ctx, sqscall.Locate(queueURL).Region, queueURL)
	if err != nil {
		return nil, err
	}
	if err := CheckCredentials(ctx, cfg); err != nil {
		return nil, err
	}
	return FromConfig(ctx, cfg, queueURL)
}

// LoadConfig returns the configuration of the AWS SDK. region overrides that of the
// environment, unless it is empty; name is the queue or setting to name in an error.
func LoadConfig(ctx context.Context, region, name string) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = IdleConnections
			t.Proxy = proxyOf
		})),
	}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, &exit.UsageError{Err: fmt.Errorf("AWS configuration: %w", err)}
	}
	if cache, ok := cfg.Credentials.(*aws.CredentialsCache); ok {
		cfg.Credentials = explained{cache}
	}
	if cfg.Region == "" {
		return cfg, &exit.UsageError{Err: fmt.Errorf("no AWS region: set AWS_REGION, since %s does not name one", name)}
	}
	return cfg, nil
}

// FromConfig returns a client for a queue, at AWS or at another server. It returns an error
// if no request could ever be sent, as with AWS_USE_FIPS_ENDPOINT and a server that is not
// AWS's.
func FromConfig(ctx context.Context, cfg aws.Config, queueURL string) (*sqs.Client, error) {
	at := sqscall.Locate(queueURL)
	client := sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if o.BaseEndpoint == nil && at.Endpoint != "" {
			o.BaseEndpoint = &at.Endpoint
		}
		chooseEndpoint(&o.EndpointOptions, at, o.BaseEndpoint != nil)
	})
	if err := checkEndpoint(ctx, client.Options()); err != nil {
		return nil, &exit.UsageError{Err: fmt.Errorf("the queue %s: %w", queueURL, err)}
	}
	return client, nil
}

// SameClient reports whether one client reaches both queues. It returns true if queueURL is
// not valid, since that is reported elsewhere.
func SameClient(queueURL, other string) bool {
	return sqscall.Locate(queueURL) == sqscall.Locate(other) || consumer.CheckQueueURL(queueURL) != nil
}
