package once_test

import (
	"context"
	"fmt"

	"wildix-worker/events"
	"wildix-worker/events/once"
)

// A handler that must not repeat itself, though its event comes twice.
func Example() {
	saveToCRM := events.HandlerFunc(func(_ context.Context, e *events.Event) error {
		fmt.Println("saved", e.ID)
		return nil
	})
	mux := &events.Mux{}
	mux.Handle(events.CallEnd, once.New("crm", once.InMemory(0, 0), once.Options{})(saveToCRM))

	e := &events.Event{ID: "example_1693389850.110", Type: events.CallEnd, Raw: []byte("as it was signed")}
	for range 2 {
		outcome, _ := events.Dispatch(context.Background(), mux, e)
		fmt.Println(outcome)
	}
	// Output:
	// saved example_1693389850.110
	// handled
	// duplicate
}
