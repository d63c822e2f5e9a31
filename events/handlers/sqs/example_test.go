package sqs_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/events"
	"wildix-worker/events/handlers/sqs"
)

// A program that passes finished calls on to another queue.
func Example() {
	ctx := context.Background()
	awsConfig, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := sqs.New(sqs.Config{
		Client:   awssqs.NewFromConfig(awsConfig),
		QueueURL: "https://sqs.eu-central-1.amazonaws.com/123456789012/crm",
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
