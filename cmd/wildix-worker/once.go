package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/zap"

	"wildix-worker/events/once"
	"wildix-worker/events/once/dynamo"
)

// onceSettings say where what handlers have done is remembered.
type onceSettings struct {
	OnceTable       string      `placeholder:"TABLE" env:"WILDIX_ONCE_TABLE" help:"DynamoDB table, by name or ARN, in which workers share what is done. Without it each has its own memory."`
	OnceWindow      duration    `placeholder:"1h" env:"WILDIX_ONCE_WINDOW" help:"How long a repeated event is known; in a table 360h."`
	OnceUnreachable unreachable `placeholder:"wait" env:"WILDIX_ONCE_UNREACHABLE" help:"While the table can't be reached: wait, or at-least-once to handle events all the same."`
}

// An unreachable is what becomes of events without the memory. It keeps what is
// wrong with it.
type unreachable struct {
	value once.Unreachable
	err   error
}

// UnmarshalText never fails; see err.
func (u *unreachable) UnmarshalText(text []byte) error {
	*u = unreachable{}
	switch string(text) {
	case "", "wait":
	case "at-least-once":
		u.value = once.AtLeastOnce
	default:
		u.err = fmt.Errorf("%q is not wait or at-least-once", text)
	}
	return nil
}

// check notes what is wrong with the settings.
func (s *onceSettings) check(wrong *faults) {
	wrong.add("--once-window (WILDIX_ONCE_WINDOW)", s.OnceWindow.err)
	wrong.add("--once-unreachable (WILDIX_ONCE_UNREACHABLE)", s.OnceUnreachable.err)
	if strings.HasPrefix(s.OnceTable, "arn:") && s.region() == "" {
		wrong.add("--once-table (WILDIX_ONCE_TABLE)", fmt.Errorf("%q is not the ARN of a table such as arn:aws:dynamodb:eu-central-1:123456789012:table/wildix-once", s.OnceTable))
	}
}

// region is that of a table which is named by its ARN.
func (s *onceSettings) region() string {
	parsed, err := arn.Parse(s.OnceTable)
	if err != nil || parsed.Service != "dynamodb" || !strings.HasPrefix(parsed.Resource, "table/") {
		return ""
	}
	return parsed.Region
}

// memory returns the memory. A table that does not exist or may not be used is an
// error; one that does not answer may do so later.
func (s *onceSettings) memory(ctx context.Context, log *zap.Logger) (once.Memory, error) {
	if s.OnceTable == "" {
		return once.InMemory(0, s.OnceWindow.Duration), nil
	}
	cfg, err := loadAWS(ctx, s.region(), s.OnceTable)
	if err != nil {
		return nil, fmt.Errorf("--once-table (WILDIX_ONCE_TABLE): %w", err)
	}
	if _, err := retrieve(ctx, cfg); err != nil {
		return nil, err
	}
	m := dynamo.New(dynamodb.NewFromConfig(cfg), s.OnceTable, s.OnceWindow.Duration)
	if err := m.Check(ctx); err != nil {
		if reason := s.refusal(err); reason != nil {
			return nil, reason
		}
		log.Warn("table of what is done does not answer", zap.String("table", s.OnceTable), zap.Error(err))
	}
	return m, nil
}

// refusal turns an answer that waiting does not change into a sentence for a
// person. It returns nil for any other error.
func (s *onceSettings) refusal(err error) error {
	switch code := answerCode(err); {
	case code == "ResourceNotFoundException":
		return fmt.Errorf("the DynamoDB table %s does not exist; compare --once-table (WILDIX_ONCE_TABLE) with the DynamoDB console", s.OnceTable)
	case denied(err):
		return fmt.Errorf("not allowed to use the DynamoDB table %s: the worker needs dynamodb:PutItem on it (AWS says %s)", s.OnceTable, code)
	case badCredentials(err):
		return fmt.Errorf("AWS does not accept the credentials for the DynamoDB table %s (AWS says %s)", s.OnceTable, code)
	case code == "ValidationException":
		return fmt.Errorf("the DynamoDB table %s is not made for this: it needs the partition key \"key\" of type String and no sort key", s.OnceTable)
	default:
		return nil
	}
}
