package eventbridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"wildix-worker/events"
)

// Defaults of a Config.
const (
	DefaultBus    = "default"
	DefaultSource = "wildix-worker"
)

// Client is the part of the SDK's client that a Handler needs.
type Client interface {
	PutEvents(context.Context, *awseventbridge.PutEventsInput, ...func(*awseventbridge.Options)) (*awseventbridge.PutEventsOutput, error)
	DescribeEventBus(context.Context, *awseventbridge.DescribeEventBusInput, ...func(*awseventbridge.Options)) (*awseventbridge.DescribeEventBusOutput, error)
}

// Config is the configuration of a Handler. Client is required.
type Config struct {
	// Client is usually an *eventbridge.Client of the AWS SDK, for the bus's region. Its
	// retries are not used.
	Client Client
	// Bus is the name or the ARN of the bus. Empty means DefaultBus, the account's own.
	Bus string
	// Source is the source of the events on the bus. Empty means DefaultSource.
	Source string
	// Timeout limits a call of EventBridge. Zero means 10 s. The context of HandleEvent
	// may end earlier.
	Timeout time.Duration
}

func (cfg Config) withDefaults() Config {
	cfg.Bus = cmp.Or(cfg.Bus, DefaultBus)
	cfg.Source = cmp.Or(cfg.Source, DefaultSource)
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
	cfg = cfg.withDefaults()
	if cfg.Client == nil {
		fault("Client", errors.New("required"))
	}
	fault("Bus", checkBus(cfg.Bus))
	fault("Source", checkSource(cfg.Source))
	if cfg.Timeout < 0 {
		fault("Timeout", fmt.Errorf("%s is negative", cfg.Timeout))
	}
	return errors.Join(faults...)
}

// namePattern matches the name of a bus and the source of an event. Those of partners contain
// slashes. The length is checked apart: for {1,256} the program would keep 400 KB.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9._/-]+$`)

func isName(text string) bool { return len(text) <= 256 && namePattern.MatchString(text) }

func checkBus(text string) error {
	if !strings.HasPrefix(text, "arn:") {
		if !isName(text) {
			return fmt.Errorf("%q is not the name of a bus, which has letters, digits, '.', '_', '/' and '-'", text)
		}
		return nil
	}
	parsed, err := arn.Parse(text)
	if err != nil || parsed.Service != "events" || !strings.HasPrefix(parsed.Resource, "event-bus/") || !isName(busName(text)) {
		return fmt.Errorf("%q is not the ARN of a bus, such as arn:aws:events:eu-central-1:123456789012:event-bus/calls", text)
	}
	return nil
}

// busName returns the name of a bus, given its name or ARN.
func busName(bus string) string {
	_, name, isARN := strings.Cut(bus, ":event-bus/")
	if isARN {
		return name
	}
	return bus
}

func checkSource(text string) error {
	switch {
	case strings.HasPrefix(text, "aws."):
		return fmt.Errorf("%q begins with aws., which is for the services of AWS", text)
	case !isName(text):
		return fmt.Errorf("%q is not a source, which has up to 256 letters, digits, '.', '_', '/' and '-'", text)
	}
	return nil
}
