// Package oncetable opens the DynamoDB table in which workers record which handler has
// handled which event, and explains why the table can't be used.
package oncetable

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/events/once/dynamo"
	"wildix-worker/internal/sqscall"
)

// timeout is how long a request may take. DynamoDB normally takes milliseconds, so a request
// that takes longer is sent again on another connection.
const timeout = 700 * time.Millisecond

// The length is checked apart: for {3,255} the program would keep 200 KB.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// CheckName returns an error if a table can't have the name. An empty name, which stands for
// no table, is no error.
func CheckName(name string) error {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return fmt.Errorf("%q is the table's ARN; give its name", name)
	case name != "" && (len(name) < 3 || len(name) > 255 || !namePattern.MatchString(name)):
		return fmt.Errorf("%q is not the name of a table: 3 to 255 of A-Z a-z 0-9 _ . -", name)
	default:
		return nil
	}
}

// Open returns the table. Its region is that of the environment or, if none is set, the
// queue's. It sends no request except to get credentials.
func Open(ctx context.Context, name, queueURL string) (*dynamo.Store, error) {
	cfg, err := awsclient.LoadConfig(ctx, sqscall.Locate(queueURL).Region, "--once-table (WILDIX_ONCE_TABLE)")
	if err != nil {
		return nil, err
	}
	if err := awsclient.CheckCredentials(ctx, cfg); err != nil {
		return nil, err
	}
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.HTTPClient = awshttp.NewBuildableClient().WithTimeout(timeout).WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = awsclient.IdleConnections
		})
	})
	return dynamo.New(client, name), nil
}

// Check returns an error if the table does not exist or can't be used. If the table does not
// answer, it only logs that: --once-unreachable decides what happens to events then.
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
	log.Warn("once table does not answer, starting anyway", zap.String("table", name), zap.Error(err))
	return nil
}

// Explain returns an error that says what to do about an error of DynamoDB. It returns nil for
// an error that may be temporary.
func Explain(name string, err error) error {
	if missing, ok := errors.AsType[*awsclient.CredentialsError](err); ok && !missing.Temporary {
		return missing
	}
	code := awsclient.ErrorCode(err)
	switch {
	case code == "" || awsclient.ClockSkewed(err):
		return nil
	case code == "ResourceNotFoundException":
		return fmt.Errorf("the table %s does not exist; create it, or compare --once-table (WILDIX_ONCE_TABLE) and the region with the DynamoDB console", name)
	case awsclient.Denied(err), code == "HTTP 403":
		return fmt.Errorf("not allowed to use the table %s: the worker needs dynamodb:PutItem on it (AWS says %s)", name, awsclient.Answer(err))
	case awsclient.BadCredentials(err):
		return awsclient.ExplainCredentials(err)
	case code == "ValidationException":
		return fmt.Errorf("the table %s needs a partition key named key, of type String, and no sort key (AWS says %s)", name, awsclient.Answer(err))
	default:
		return nil
	}
}
