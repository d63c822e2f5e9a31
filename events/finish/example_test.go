package finish_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/finish"
	"wildix-worker/events/handlers/store"
	"wildix-worker/events/route"
)

// Missed calls go to a chat, and all events go to an archive.
func ExampleHandler() {
	chat := events.HandlerFunc(func(_ context.Context, e *events.Event) error {
		call := e.Data.(*events.FinishedCall)
		fmt.Println("missed call from", call.Caller.Name, "who waited", call.Waited, "seconds")
		return nil
	})
	archive := events.HandlerFunc(func(_ context.Context, e *events.Event) error {
		fmt.Println("archived", e.Type)
		return nil
	})
	router, err := route.New(route.Config{Destinations: []route.Destination{
		{Name: "chat", Handler: chat, On: []string{events.CallFinished}, When: func(e *events.Event) (bool, error) { return e.Data.(*events.FinishedCall).Missed, nil }},
		{Name: "archive", Handler: archive, On: []string{"call:start", "call:end"}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	state, err := store.NewState(store.StateConfig{URL: "sqlite:" + filepath.Join(dir, "state.db")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer state.Close()
	h, err := finish.New(finish.Config{Next: router, State: state, Grace: time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}

	// A transport, such as package consumer, does the rest.
	for _, body := range []string{
		`{"id":"call-1","type":"call:start","time":1693389850810,"data":{"status":"RINGING","caller":{"type":"REMOTE","name":"Ada Example"}}}`,
		`{"id":"call-1","type":"call:end","time":1693389862810,"data":{"status":"RINGING","endCause":"16","endBy":"CALLER"}}`,
	} {
		e, err := events.Decode([]byte(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(events.DispatchHeld(context.Background(), h, e))
	}
	// Output:
	// archived call:start
	// handled <nil>
	// archived call:end
	// missed call from Ada Example who waited 12 seconds
	// handled <nil>
}
