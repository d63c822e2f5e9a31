package consumer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// Each of these would crash a worker, or delete messages that nothing has handled.
func TestNewRefusesMisuse(t *testing.T) {
	working := events.HandlerFunc(func(context.Context, *events.Event) error { return nil })
	for _, test := range []struct {
		name   string
		field  string // of the error, empty for none
		client consumer.SQS
		change func(*consumer.Config)
	}{
		{"nothing wrong", "", &sqs.Client{}, func(*consumer.Config) {}},
		{"no client", "client", nil, func(*consumer.Config) {}},
		{"nil client", "client", (*sqs.Client)(nil), func(*consumer.Config) {}},
		{"no keys", "Keys", &sqs.Client{}, func(cfg *consumer.Config) { cfg.Keys = nil }},
		{"empty ring", "Keys", &sqs.Client{}, func(cfg *consumer.Config) { cfg.Keys, cfg.OnRejected = &signature.Keyring{}, consumer.Delete }},
		{"no handler", "Handler", &sqs.Client{}, func(cfg *consumer.Config) { cfg.Handler = nil }},
		{"nil function", "Handler", &sqs.Client{}, func(cfg *consumer.Config) { cfg.Handler = events.HandlerFunc(nil) }},
		{"empty Mux", "Handler", &sqs.Client{}, func(cfg *consumer.Config) { cfg.Handler = &events.Mux{} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := consumer.Config{QueueURL: "https://sqs.eu-central-1.amazonaws.com/123456789012/calls", Keys: keyring(t, key), Handler: working}
			test.change(&cfg)
			_, err := consumer.New(test.client, cfg)
			field, _ := errors.AsType[*events.FieldError](err)
			if test.field == "" && err != nil || test.field != "" && (field == nil || field.Field != test.field) {
				t.Errorf("error %v, want one about %q", err, test.field)
			}
		})
	}
}
