package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// A whole program: missed calls are posted to a chat.
func Example() {
	logger, _ := zap.NewProduction()
	defer logger.Sync()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	awsConfig, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		logger.Fatal("AWS configuration", zap.Error(err))
	}
	keys, err := signature.LoadKeyring("/etc/wildix-worker/secrets", nil)
	if err != nil {
		logger.Fatal("signing secrets", zap.Error(err))
	}

	mux := &events.Mux{}
	mux.Handle(events.CallEnd, events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		call := e.Data.(*events.Call)
		if call.Caller == nil || call.EndCauseStr.Value != "No Answer" {
			return nil
		}
		return postToChat(ctx, "Missed call from "+call.Caller.Phone.Value)
	}))

	c, err := consumer.New(sqs.NewFromConfig(awsConfig), consumer.Config{
		QueueURL: "https://sqs.eu-central-1.amazonaws.com/123456789012/wildix-events",
		Keys:     keys,
		Handler:  mux,
		Logger:   logger,
	})
	if err != nil {
		logger.Fatal("configuration", zap.Error(err))
	}
	if err := c.Run(ctx); err != nil {
		logger.Error("stopped before all was done", zap.Error(err))
	}
}

func postToChat(context.Context, string) error { return nil }

// A consumer on the embedded queue, as in a test: two events, one of which was
// changed after it was signed.
func ExampleConsumer_Run() {
	srv := sqslocal.New(sqslocal.Options{})
	if err := srv.Start(""); err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	queueURL, err := srv.CreateQueue("calls", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := srv.Client()
	for _, event := range []struct{ body, sig string }{
		{`{"id":"call-1","type":"call:start","time":1693389850810}`, "6a15539078ce49dd615b9cfdcfe3473a6decbf17beac00ac954751566b4085be"},
		{`{"id":"call-2","type":"call:start","time":1693389850810}`, "6a15539078ce49dd615b9cfdcfe3473a6decbf17beac00ac954751566b4085be"},
	} {
		client.SendMessage(context.Background(), &sqs.SendMessageInput{
			QueueUrl:    &queueURL,
			MessageBody: &event.body,
			MessageAttributes: map[string]types.MessageAttributeValue{
				"X-SIGNATURE": {DataType: aws.String("String"), StringValue: &event.sig},
			},
		})
	}

	keys, err := signature.NewKeyring(signature.Key{Secret: "the secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	results := make(chan consumer.Result, 2)
	c, err := consumer.New(client, consumer.Config{
		QueueURL:    queueURL,
		Keys:        keys,
		Concurrency: 1,
		Handler: events.HandlerFunc(func(_ context.Context, e *events.Event) error {
			fmt.Println("handling", e.ID)
			return nil
		}),
		Observe: func(r consumer.Result) { results <- r },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	for range 2 {
		r := <-results
		fmt.Println(r.Outcome, r.Err)
	}
	cancel()
	fmt.Println("stopped:", <-done)
	// Output:
	// handling call-1
	// handled <nil>
	// rejected signature mismatch
	// stopped: <nil>
}

// A handler's error decides what happens to an event that it can't handle now.
func Example_retry() {
	handler := events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		err := saveToCRM(ctx, e)
		switch {
		case errors.Is(err, errCRMClosed):
			return events.RetryAfter(10*time.Minute, err) // instead of the consumer's delay
		case errors.Is(err, errNoSuchCustomer):
			return events.Permanent(err) // for the dead-letter queue; another try would fail too
		case errors.Is(context.Cause(ctx), consumer.ErrLeaseLost):
			return err // another consumer may have the event by now
		default:
			return err // nil: done; any other error: tried again
		}
	})
	_ = consumer.Config{Handler: handler}
}

var errCRMClosed, errNoSuchCustomer = errors.New("CRM closed for maintenance"), errors.New("no such customer")

func saveToCRM(context.Context, *events.Event) error { return nil }
