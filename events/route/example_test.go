package route_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

// One destination that is down does not keep the event from the other.
func Example() {
	archive := events.HandlerFunc(func(_ context.Context, e *events.Event) error {
		fmt.Println("archived", e.ID)
		return nil
	})
	crm := events.HandlerFunc(func(context.Context, *events.Event) error {
		return errors.New("connection refused")
	})
	router, err := route.New(route.Config{Destinations: []route.Destination{
		{Name: "archive", Handler: archive},
		{Name: "crm", Handler: crm, On: []string{events.CallEnd}, Concurrency: 8, Timeout: 10 * time.Second},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}

	// What a transport does.
	var delivery events.Delivery
	defer delivery.End()
	ctx := events.WithDelivery(context.Background(), &delivery)
	err = router.HandleEvent(ctx, &events.Event{ID: "call-1", Type: events.CallEnd, Raw: []byte("{}"), ReceiveCount: 1})
	fmt.Println(events.IsHold(err), err)

	for _, s := range router.Stats() {
		fmt.Printf("%s: %s, %d handled, %d failed, %d held\n", s.Name, s.State, s.Handled, s.Failed, s.Held)
	}
	// Output:
	// archived call-1
	// true held: waits for crm (failed: connection refused)
	// archive: up, 1 handled, 0 failed, 0 held
	// crm: up, 0 handled, 1 failed, 1 held
}

// Which events a destination gets.
func ExampleDestination() {
	missed := events.HandlerFunc(func(_ context.Context, e *events.Event) error {
		fmt.Println("missed call", e.ID)
		return nil
	})
	router, err := route.New(route.Config{Destinations: []route.Destination{{
		Name:    "missed",
		Handler: missed,
		On:      []string{"call:*"},
		When:    func(e *events.Event) (bool, error) { return e.Company == "acme", nil },
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range []*events.Event{
		{ID: "1", Type: events.CallEnd, Company: "acme"},
		{ID: "2", Type: events.CallEnd, Company: "other"},
		{ID: "3", Type: events.SMSStatus, Company: "acme"},
	} {
		outcome, _ := events.Dispatch(context.Background(), router, e)
		fmt.Println(outcome)
	}
	// Output:
	// missed call 1
	// handled
	// ignored
	// ignored
}
