package awsclient_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/exit"
)

// hostOf returns the host that a client sends its requests to.
func hostOf(t *testing.T, client *sqs.Client, queueURL string) (host string) {
	t.Helper()
	stop := errors.New("not sent")
	_, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &queueURL}, func(o *sqs.Options) {
		o.HTTPClient = smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
			host = r.URL.Host
			return nil, stop
		})
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error { _, err := s.Finalize.Remove("Retry"); return err })
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	return host
}

func TestRequestsGoWhereTheURLSays(t *testing.T) {
	for _, test := range []struct{ fips, dualStack, host, want string }{
		{"", "", "sqs.eu-central-1.amazonaws.com", "sqs.eu-central-1.amazonaws.com"},
		{"", "", "SQS.EU-CENTRAL-1.AMAZONAWS.COM", "sqs.eu-central-1.amazonaws.com"},
		{"", "", "queue.amazonaws.com", "sqs.us-east-1.amazonaws.com"},
		{"", "", "sqs-fips.us-east-1.amazonaws.com", "sqs-fips.us-east-1.amazonaws.com"},
		{"", "true", "sqs-fips.us-east-1.amazonaws.com", "sqs-fips.us-east-1.api.aws"},
		{"true", "", "us-east-1.queue.amazonaws.com", "sqs-fips.us-east-1.amazonaws.com"},
		{"true", "", "sqs.us-east-1.api.aws", "sqs-fips.us-east-1.api.aws"},
		{"", "", "sqs.us-east-1.api.aws", "sqs.us-east-1.api.aws"},
		{"", "true", "vpce-01-ab.sqs.eu-central-1.vpce.amazonaws.com", "vpce-01-ab.sqs.eu-central-1.vpce.amazonaws.com"},
		{"true", "true", "vpce-01-ab.sqs-fips.us-east-1.vpce.amazonaws.com", "vpce-01-ab.sqs-fips.us-east-1.vpce.amazonaws.com"},
		{"", "true", "127.0.0.1:4566", "127.0.0.1:4566"},
		{"true", "", "127.0.0.1:4566", "error: 127.0.0.1:4566 is not known to be a FIPS endpoint: unset AWS_USE_FIPS_ENDPOINT"},
		{"true", "", "vpce-01-ab.sqs.eu-central-1.vpce.amazonaws.com", "error: is not known to be a FIPS endpoint"},
		{"true", "", "sqs.us-iso-east-1.c2s.ic.gov", "sqs-fips.us-iso-east-1.c2s.ic.gov"},
	} {
		t.Setenv("AWS_USE_FIPS_ENDPOINT", test.fips)
		t.Setenv("AWS_USE_DUALSTACK_ENDPOINT", test.dualStack)
		t.Setenv("AWS_ACCESS_KEY_ID", "test")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
		t.Setenv("AWS_REGION", "ap-south-1")
		t.Setenv("AWS_ENDPOINT_URL", "")
		queueURL := "https://" + test.host + "/123456789012/calls"
		client, err := awsclient.New(t.Context(), queueURL)
		reason, refused := strings.CutPrefix(test.want, "error: ")
		if refused {
			var usage *exit.UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), reason) {
				t.Errorf("%+v: %v", test, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		if got := hostOf(t, client, queueURL); got != test.want {
			t.Errorf("%+v: request to %s", test, got)
		}
	}
}
