package once_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"wildix-worker/events"
	"wildix-worker/events/once"
	"wildix-worker/events/once/dynamo"
)

// One handler of a Mux: what is wrapped has its effect once.
func Example() {
	remember, err := once.New(once.Config{Name: "crm"})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := &events.Mux{}
	mux.Handle(events.CallEnd, remember(events.HandlerFunc(func(_ context.Context, e *events.Event) error {
		fmt.Println("saved", e.ID)
		return nil
	})))

	for range 2 { // SQS delivers it twice
		e, err := events.Decode([]byte(`{"id":"call-1","type":"call:end","time":1693389850810}`))
		if err != nil {
			fmt.Println(err)
			return
		}
		outcome, _ := events.Dispatch(context.Background(), mux, e)
		fmt.Println(outcome)
	}
	// Output:
	// saved call-1
	// handled
	// duplicate
}

// Two handlers in a chain, whose effects all workers remember together. When
// one of them fails, the event comes again and the other is left out.
func Example_shared() {
	awsConfig, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	shared := dynamo.New(dynamodb.NewFromConfig(awsConfig).PutItem, "wildix-once")

	var chain []events.Handler
	for name, handler := range map[string]events.HandlerFunc{"store": store, "forward": forward} {
		remember, err := once.New(once.Config{Name: name, Shared: shared})
		if err != nil {
			fmt.Println(err)
			return
		}
		chain = append(chain, remember(handler))
	}
	events.Chain(chain...) // is the Handler of a consumer.Config
}

func store(context.Context, *events.Event) error   { return nil }
func forward(context.Context, *events.Event) error { return nil }
