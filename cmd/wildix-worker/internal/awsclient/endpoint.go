package awsclient

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/internal/sqscall"
)

// chooseEndpoint asks for the endpoint of AWS that the queue's URL names. With a server
// that is named, the SDK takes no such wish, and none is needed: dual-stack is up to the
// server, and a VPC endpoint of the FIPS service is one.
func chooseEndpoint(o *sqs.EndpointResolverOptions, at sqscall.Location, named bool) {
	switch {
	case named:
		o.UseDualStackEndpoint = aws.DualStackEndpointStateDisabled
		if at.FIPS {
			o.UseFIPSEndpoint = aws.FIPSEndpointStateDisabled
		}
	default:
		if at.FIPS {
			o.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
		}
		if at.DualStack {
			o.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
		}
	}
}

// checkEndpoint returns an error if the SDK finds no endpoint. It would find none for each
// request, so waiting would not help.
func checkEndpoint(ctx context.Context, o sqs.Options) error {
	fips := o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled
	dualStack := o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled
	_, err := resolve(ctx, o, fips, dualStack)
	switch {
	case err == nil:
		return nil
	case fips && o.BaseEndpoint != nil:
		return fmt.Errorf("%s is not known to be a FIPS endpoint: unset AWS_USE_FIPS_ENDPOINT (use_fips_endpoint of the profile), or give a URL whose host begins with sqs-fips", *o.BaseEndpoint)
	case fips || dualStack:
		return fmt.Errorf("the region %s has no such endpoint: unset AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT (%w)", o.Region, term.RootCause(err))
	default:
		return fmt.Errorf("no endpoint in the region %s: %w", o.Region, term.RootCause(err))
	}
}

// unknownEndpoint returns an error if err says that there is no such host, and the region
// has an endpoint but none of the kind that is asked for. SQS has FIPS endpoints in some
// regions only, and the SDK does not know in which.
func unknownEndpoint(ctx context.Context, o sqs.Options, err error) error {
	lookup, ok := errors.AsType[*net.DNSError](err)
	if !ok || !lookup.IsNotFound || o.BaseEndpoint != nil {
		return nil
	}
	if plain, _ := resolve(ctx, o, false, false); plain == lookup.Name || !hasAddress(ctx, plain) {
		return nil // names may be back later
	}
	return &exit.UsageError{Err: fmt.Errorf("AWS has no endpoint %s: unset AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT, or give the queue's URL as the SQS console shows it", lookup.Name)}
}

func hasAddress(ctx context.Context, host string) bool {
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	return err == nil && len(addresses) > 0
}

// resolve returns the host of the endpoint that the SDK finds.
func resolve(ctx context.Context, o sqs.Options, fips, dualStack bool) (host string, err error) {
	endpoint, err := o.EndpointResolverV2.ResolveEndpoint(ctx, sqs.EndpointParameters{
		Region: &o.Region, Endpoint: o.BaseEndpoint, UseFIPS: &fips, UseDualStack: &dualStack,
	})
	return endpoint.URI.Host, err
}
