package once_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/events/once"
	"wildix-worker/events/once/dynamo"
	"wildix-worker/events/route"
)

// One handler of a Mux handles each event once.
func Example() {
	middleware, err := once.New(once.Config{Name: "crm"})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := &events.Mux{}
	mux.Handle(events.CallEnd, middleware(events.HandlerFunc(func(_ context.Context, e *events.Event) error {
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

// Two destinations, with a store that all workers share. When one of them fails and the
// event is delivered again, the other is skipped.
func Example_shared() {
	awsConfig, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	shared := dynamo.New(dynamodb.NewFromConfig(awsConfig), "wildix-once")

	var destinations []route.Destination
	for name, handler := range map[string]events.HandlerFunc{"store": store, "forward": forward} {
		middleware, err := once.New(once.Config{Name: name, Shared: shared})
		if err != nil {
			fmt.Println(err)
			return
		}
		destinations = append(destinations, route.Destination{Name: name, Handler: middleware(handler)})
	}
	router, err := route.New(route.Config{Destinations: destinations})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = consumer.Config{Handler: router, Blocked: router.Blocked, Concurrency: router.Concurrency()}
}

func store(context.Context, *events.Event) error   { return nil }
func forward(context.Context, *events.Event) error { return nil }
