package sns_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"wildix-worker/events"
	"wildix-worker/events/handlers/sns"
)

// A program that publishes finished calls, for any number of subscribers.
func Example() {
	ctx := context.Background()
	awsConfig, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := sns.New(sns.Config{
		Client:   awssns.NewFromConfig(awsConfig),
		TopicARN: "arn:aws:sns:eu-central-1:123456789012:calls",
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
