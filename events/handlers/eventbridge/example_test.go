package eventbridge_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"wildix-worker/events"
	"wildix-worker/events/handlers/eventbridge"
)

// A program that puts finished calls on a bus, whose rules say who gets them.
func Example() {
	ctx := context.Background()
	awsConfig, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := eventbridge.New(eventbridge.Config{
		Client: awseventbridge.NewFromConfig(awsConfig),
		Bus:    "calls",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()
	if err := h.Check(ctx); err != nil { // at start, or in a command of its own
		fmt.Println(err)
		return
	}
	mux := &events.Mux{}
	mux.Handle(events.CallEnd, h)
	// Pass the mux to a transport, such as consumer.New.
}
