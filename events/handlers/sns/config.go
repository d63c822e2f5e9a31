package sns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"wildix-worker/events"
)

// Limits of SNS for the messages of a call, in bytes, and so for each message.
const (
	DefaultMaxMessageSize = 256 << 10 // of a topic without the attribute MaximumMessageSize
	minMessageSize        = 1 << 10
	maxMessageSize        = 1 << 20
)

// Client is the part of the SDK's client that a Handler needs.
type Client interface {
	PublishBatch(context.Context, *awssns.PublishBatchInput, ...func(*awssns.Options)) (*awssns.PublishBatchOutput, error)
	GetTopicAttributes(context.Context, *awssns.GetTopicAttributesInput, ...func(*awssns.Options)) (*awssns.GetTopicAttributesOutput, error)
}

// Config is the configuration of a Handler. Client and TopicARN are required.
type Config struct {
	// Client is usually an *sns.Client of the AWS SDK, for the topic's region. Its retries
	// are not used.
	Client Client
	// TopicARN is the topic, such as arn:aws:sns:eu-central-1:123456789012:calls.
	TopicARN string
	// Secret signs the message. If it is empty, the PBX's signature is sent.
	Secret string
	// MaxMessageSize is the topic's MaximumMessageSize, in bytes, at most 1 MiB. Zero
	// means DefaultMaxMessageSize.
	MaxMessageSize int
	// Timeout limits a call of SNS. Zero means 10 s. The context of HandleEvent may end
	// earlier.
	Timeout time.Duration
}

func (cfg Config) withDefaults() Config {
	cfg.MaxMessageSize = cmp.Or(cfg.MaxMessageSize, DefaultMaxMessageSize)
	return cfg
}

// Validate returns nil or an error that joins an *[events.FieldError] for each invalid
// field.
func (cfg Config) Validate() error {
	var faults []error
	fault := func(field string, err error) {
		if err != nil {
			faults = append(faults, &events.FieldError{Field: field, Err: err})
		}
	}
	if cfg.Client == nil {
		fault("Client", errors.New("required"))
	}
	fault("TopicARN", checkTopic(cfg.TopicARN))
	if n := cfg.MaxMessageSize; n != 0 && (n < minMessageSize || n > maxMessageSize) {
		fault("MaxMessageSize", fmt.Errorf("%d is not from %d to %d", n, minMessageSize, maxMessageSize))
	}
	if cfg.Timeout < 0 {
		fault("Timeout", fmt.Errorf("%s is negative", cfg.Timeout))
	}
	return errors.Join(faults...)
}

func checkTopic(text string) error {
	if text == "" {
		return errors.New("required; copy it from the topic's page in the SNS console")
	}
	parsed, err := arn.Parse(text)
	if err != nil || parsed.Service != "sns" || parsed.Region == "" || parsed.AccountID == "" ||
		parsed.Resource == "" || strings.ContainsAny(parsed.Resource, ":/") {
		return fmt.Errorf("%q is not the ARN of a topic, such as arn:aws:sns:eu-central-1:123456789012:calls", text)
	}
	return nil
}

// topicName returns the last part of a topic's ARN.
func topicName(topicARN string) string { return topicARN[strings.LastIndexByte(topicARN, ':')+1:] }
