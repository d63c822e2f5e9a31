// Package oncetable opens the DynamoDB table in which workers record together which
// handler has done what, and explains why it can't be used.
package oncetable

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/once/dynamo"
)

// timeout is how long the table may take to answer. DynamoDB takes milliseconds; a request
// that takes longer is sent again, on another connection.
const timeout = 700 * time.Millisecond

var namePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

// CheckName returns what is wrong with the name of a table. The empty name stands for none.
func CheckName(name string) error {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return fmt.Errorf("%q is the table's ARN; give its name", name)
	case name != "" && !namePattern.MatchString(name):
		return fmt.Errorf("%q is not the name of a table: 3 to 255 of A-Z a-z 0-9 _ . -", name)
	default:
		return nil
	}
}

// Open returns the table. Its region is that of the environment or, where none is set, the
// queue's. It sends no request, except for credentials.
func Open(ctx context.Context, name, queueURL string) (*dynamo.Store, error) {
	region, _ := awsclient.Locate(queueURL)
	cfg, err := awsclient.LoadConfig(ctx, region, "--once-table (WILDIX_ONCE_TABLE)")
	if err != nil {
		return nil, err
	}
	if _, err := awsclient.Credentials(ctx, cfg); err != nil {
		return nil, err
	}
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.HTTPClient = awshttp.NewBuildableClient().WithTimeout(timeout).WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = awsclient.IdleConnections
		})
	})
	return dynamo.New(client, name), nil
}

// Check asks for the table once. It returns an error if the table does not exist or may
// not be used. One that does not answer is logged only: what happens to events then is the
// table's policy.
func Check(ctx context.Context, table *dynamo.Store, name string, log *zap.Logger) error {
	limited, cancel := context.WithTimeout(ctx, awsclient.Timeout)
	defer cancel()
	err := table.Check(limited)
	if err == nil || ctx.Err() != nil {
		return nil
	}
	if reason := Explain(name, err); reason != nil {
		return reason
	}
	log.Warn("once table does not answer, going on", zap.String("table", name), zap.Error(err))
	return nil
}

// Explain turns an error of DynamoDB that waiting does not change into a sentence for
// people. It returns nil for any other error.
func Explain(name string, err error) error {
	code := awsclient.ErrorCode(err)
	switch {
	case code == "" || awsclient.ClockSkewed(err):
		return nil
	case code == "ResourceNotFoundException":
		return fmt.Errorf("the table %s does not exist; create it, or compare --once-table (WILDIX_ONCE_TABLE) and the region with the DynamoDB console", name)
	case awsclient.Denied(err), code == "HTTP 403":
		return fmt.Errorf("not allowed to use the table %s: the worker needs dynamodb:PutItem on it (AWS says %s)", name, code)
	case awsclient.BadCredentials(err):
		return awsclient.ExplainCredentials(code)
	case code == "ValidationException":
		return fmt.Errorf("the table %s needs a partition key named key, of type String, and no sort key (AWS says %w)", name, term.RootCause(err))
	default:
		return nil
	}
}
