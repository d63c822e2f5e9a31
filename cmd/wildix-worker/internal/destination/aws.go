package destination

import (
	"cmp"
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/preview"
	"wildix-worker/events/handlers/eventbridge"
	"wildix-worker/events/handlers/sns"
	"wildix-worker/events/handlers/sqs"
	"wildix-worker/internal/sqscall"
)

// An afterConnect is a handler that is made when the program connects, since its client
// needs credentials.
type afterConnect struct {
	checker
	close func()
}

// makeHandler makes a handler with an AWS client.
type makeHandler func(context.Context, aws.Config) (h checker, closeClient func(), err error)

// awsHandler returns a handler for a region, which may be empty for that of the environment.
// key is what names the region, and target where the events go.
func (s *source) awsHandler(region, key, target string, show preview.Func, create makeHandler) Destination {
	made := &afterConnect{}
	connect := func(ctx context.Context) error {
		cfg, err := awsclient.LoadConfig(ctx, region, s.node.Path+"."+key)
		if err != nil {
			return err
		}
		if err := awsclient.CheckCredentials(ctx, cfg); err != nil {
			return err
		}
		made.checker, made.close, err = create(ctx, cfg)
		return err
	}
	return Destination{
		Handler: made, Preview: show, Target: target, Connect: connect,
		Check: func(ctx context.Context) error {
			if err := connect(ctx); err != nil {
				return err
			}
			return checkAWS(made.Check(ctx))
		},
		Close: func() error {
			if made.close != nil {
				made.close()
			}
			return nil
		},
	}
}

func (s *source) sqs() Destination {
	cfg := sqs.Config{QueueURL: s.node.Text("queue_url"), Secret: s.secret(), Timeout: s.node.Duration("timeout")}
	s.add(cfg.Validate(), map[string]string{"QueueURL": "queue_url", "Timeout": "timeout"})
	queue := strings.Join(s.shown("queue_url"), "")
	d := s.awsHandler(sqscall.Locate(cfg.QueueURL).Region, "queue_url", queue, preview.Message(queue, cfg.Secret), func(ctx context.Context, loaded aws.Config) (checker, func(), error) {
		client, err := awsclient.FromConfig(ctx, loaded, cfg.QueueURL)
		if err != nil {
			return nil, nil, err
		}
		cfg.Client = client
		h, err := sqs.New(cfg)
		if err != nil {
			return nil, nil, err
		}
		return h, h.Close, nil
	})
	d.SignedByPBX = cfg.Secret == ""
	return d
}

func (s *source) sns() Destination {
	cfg := sns.Config{TopicARN: s.node.Text("topic_arn"), Secret: s.secret(), Timeout: s.node.Duration("timeout")}
	s.add(cfg.Validate(), map[string]string{"TopicARN": "topic_arn", "Timeout": "timeout"})
	topic := strings.Join(s.shown("topic_arn"), "")
	d := s.awsHandler(regionOf(cfg.TopicARN), "topic_arn", topic, preview.Message(topic, cfg.Secret), func(_ context.Context, loaded aws.Config) (checker, func(), error) {
		cfg.Client = awssns.NewFromConfig(loaded)
		h, err := sns.New(cfg)
		if err != nil {
			return nil, nil, err
		}
		return h, h.Close, nil
	})
	d.SignedByPBX = cfg.Secret == ""
	return d
}

func (s *source) eventbridge() Destination {
	cfg := eventbridge.Config{Bus: s.node.Text("bus"), Source: s.node.Text("source"), Timeout: s.node.Duration("timeout")}
	s.add(cfg.Validate(), map[string]string{"Bus": "bus", "Source": "source", "Timeout": "timeout"})
	region := s.node.Text("region")
	if region == "" {
		region = regionOf(cfg.Bus)
	}
	bus := cmp.Or(strings.Join(s.shown("bus"), ""), eventbridge.DefaultBus)
	from := cmp.Or(strings.Join(s.shown("source"), ""), eventbridge.DefaultSource)
	return s.awsHandler(region, "region", bus, preview.Bus(bus, from), func(_ context.Context, loaded aws.Config) (checker, func(), error) {
		cfg.Client = awseventbridge.NewFromConfig(loaded)
		h, err := eventbridge.New(cfg)
		if err != nil {
			return nil, nil, err
		}
		return h, h.Close, nil
	})
}

// regionOf returns the region of an ARN, or an empty string.
func regionOf(name string) string {
	parsed, err := arn.Parse(name)
	if err != nil {
		return ""
	}
	return parsed.Region
}
