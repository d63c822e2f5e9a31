package main

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

	"wildix-worker/events"
	"wildix-worker/events/once"
	"wildix-worker/events/once/dynamo"
)

// onceSettings say how it is remembered which handler has done what.
type onceSettings struct {
	OnceTable       string      `placeholder:"TABLE" env:"WILDIX_ONCE_TABLE" help:"The DynamoDB table in which workers remember together what each handler has done with which event. Without it, each remembers for itself, until it ends."`
	OnceWindow      duration    `placeholder:"720h" env:"WILDIX_ONCE_WINDOW" help:"How long that is remembered."`
	OnceUnreachable unreachable `placeholder:"wait" env:"WILDIX_ONCE_UNREACHABLE" help:"What becomes of events while the table can't be reached: wait, or at-least-once (handled all the same)." values:"wait,at-least-once"`
}

// An unreachable is what becomes of events without the table. It keeps what is
// wrong with it.
type unreachable struct {
	value once.Policy
	set   bool
	err   error
}

// UnmarshalText never fails; see err.
func (u *unreachable) UnmarshalText(text []byte) error {
	*u = unreachable{set: len(text) > 0}
	switch string(text) {
	case "", "wait":
	case "at-least-once":
		u.value = once.AtLeastOnce
	default:
		u.err = fmt.Errorf("%q is not wait or at-least-once", text)
	}
	return nil
}

// A remembrance makes handlers remember what they have done.
type remembrance struct {
	settings onceSettings
	queueURL string // tells the table's region, if nothing else does
	log      *zap.Logger
}

// check notes what is wrong with the settings.
func (s *onceSettings) check(wrong *faults) {
	wrong.add("--once-table (WILDIX_ONCE_TABLE)", checkTable(s.OnceTable))
	wrong.add("--once-window (WILDIX_ONCE_WINDOW)", s.OnceWindow.err)
	err := s.OnceUnreachable.err
	if err == nil && s.OnceUnreachable.set && s.OnceTable == "" {
		err = errors.New("of no use without --once-table (WILDIX_ONCE_TABLE)")
	}
	wrong.add("--once-unreachable (WILDIX_ONCE_UNREACHABLE)", err)
}

var tableName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

func checkTable(name string) error {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return fmt.Errorf("%q is the table's ARN; give its name", name)
	case name != "" && !tableName.MatchString(name):
		return fmt.Errorf("%q is not the name of a table: 3 to 255 of A-Z a-z 0-9 _ . -", name)
	default:
		return nil
	}
}

// open returns what the handler of a name is to be wrapped with.
func (r *remembrance) open(ctx context.Context) (func(name string, h events.Handler) (events.Handler, error), error) {
	cfg := once.Config{
		OnUnreachable: r.settings.OnceUnreachable.value,
		Window:        r.settings.OnceWindow.Duration,
		Logger:        r.log,
	}
	if r.settings.OnceTable != "" {
		table, err := openTable(ctx, r.settings.OnceTable, r.queueURL)
		if err != nil {
			return nil, err
		}
		if err := lookForTable(ctx, table, r.settings.OnceTable, r.log); err != nil {
			return nil, err
		}
		cfg.Shared = table
	}
	return func(name string, h events.Handler) (events.Handler, error) {
		cfg := cfg
		cfg.Name = name
		remember, err := once.New(cfg)
		if err != nil {
			return nil, err
		}
		return remember(h), nil
	}, nil
}

// tableTimeout is how long the table may take to answer. DynamoDB takes
// milliseconds; what takes longer is sent again, on another connection.
const tableTimeout = 700 * time.Millisecond

// openTable makes no request but for credentials.
func openTable(ctx context.Context, name, queueURL string) (*dynamo.Store, error) {
	region, _ := locate(queueURL)
	cfg, err := loadAWS(ctx, region, "--once-table (WILDIX_ONCE_TABLE)")
	if err != nil {
		return nil, err
	}
	if _, err := retrieve(ctx, cfg); err != nil {
		return nil, err
	}
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.HTTPClient = awshttp.NewBuildableClient().WithTimeout(tableTimeout).WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = idleConnections
		})
	})
	return dynamo.New(client, name), nil
}

// lookForTable asks for the table once. One that does not exist or may not be
// used is an error; one that does not answer is left to its policy.
func lookForTable(ctx context.Context, table *dynamo.Store, name string, log *zap.Logger) error {
	limited, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	err := table.Check(limited)
	if err == nil || ctx.Err() != nil {
		return nil
	}
	if reason := tableRefusal(name, err); reason != nil {
		return reason
	}
	log.Warn("once table does not answer, going on", zap.String("table", name), zap.Error(err))
	return nil
}

// tableRefusal turns an answer that waiting does not change into a sentence for
// a person. It returns nil for any other error.
func tableRefusal(name string, err error) error {
	code := answerCode(err)
	switch {
	case code == "" || signedTooFarOff(err):
		return nil
	case code == "ResourceNotFoundException":
		return fmt.Errorf("the table %s does not exist; make it, or compare --once-table (WILDIX_ONCE_TABLE) and the region with the DynamoDB console", name)
	case denied(err), code == "HTTP 403":
		return fmt.Errorf("not allowed to use the table %s: the worker needs dynamodb:PutItem on it (AWS says %s)", name, code)
	case badCredentials(err):
		return fmt.Errorf("AWS does not accept the credentials: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile or the role (AWS says %s)", code)
	case code == "ValidationException":
		return fmt.Errorf("the table %s has not the key that it should have: a partition key named key, of type String, and no sort key (AWS says %s)", name, rootCause(err))
	default:
		return nil
	}
}

// checkOnceTable is shown if there is to be a table.
func checkOnceTable(ctx context.Context, i *inspection) finding {
	name := i.settings.OnceTable
	if name == "" || checkTable(name) != nil {
		return finding{}
	}
	table, err := openTable(ctx, name, i.cfg.QueueURL)
	if err == nil {
		err = table.Check(ctx)
	}
	switch {
	case err == nil:
		return fine("writable")
	case tableRefusal(name, err) != nil:
		return problem(tableRefusal(name, err).Error(), "")
	case answerCode(err) != "":
		return warning("not known", fmt.Sprintf("DynamoDB answers %s, which may pass; check again", answerCode(err)))
	default:
		return problem(fmt.Sprintf("no way to reach DynamoDB (%v)", rootCause(err)),
			"check the network, security groups, a VPC endpoint, HTTPS_PROXY and AWS_ENDPOINT_URL_DYNAMODB")
	}
}
