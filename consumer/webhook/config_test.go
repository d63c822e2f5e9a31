package webhook_test

import (
	"context"
	"testing"

	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
	"wildix-worker/signature"
)

func TestNewRefusesMisuse(t *testing.T) {
	ring, err := signature.NewKeyring(signature.Key{Secret: "a secret"})
	if err != nil {
		t.Fatal(err)
	}
	working := events.HandlerFunc(func(context.Context, *events.Event) error { return nil })
	for _, test := range []struct {
		name string
		cfg  webhook.Config
		ok   bool
	}{
		{"nothing wrong", webhook.Config{Keys: ring, Handler: working}, true},
		{"empty ring", webhook.Config{Keys: &signature.Keyring{}, Handler: working}, false},
		{"nil function", webhook.Config{Keys: ring, Handler: events.HandlerFunc(nil)}, false},
		{"empty Mux", webhook.Config{Keys: ring, Handler: &events.Mux{}}, false},
	} {
		if _, err := webhook.New(test.cfg); (err == nil) != test.ok {
			t.Errorf("%s: error %v", test.name, err)
		}
	}
}
