package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/handlers/store"
)

func Example() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	cfg := store.Config{URL: "sqlite:" + filepath.Join(dir, "events.db")}

	s, err := store.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := s.Connect(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	// A worker does this for every event, in any order, with repeats.
	for _, body := range []string{
		`{"id":"call-1","type":"call:end","time":1693389853611,"data":{"status":"RINGING","endCause":"19"}}`,
		`{"id":"call-1","type":"call:start","time":1693389850611,"data":{"caller":{"type":"REMOTE","phone":"+12025550100"}}}`,
	} {
		e, err := events.Decode([]byte(body))
		if err == nil {
			err = s.HandleEvent(ctx, e)
		}
		if err != nil {
			fmt.Println(err)
		}
	}

	for call, err := range store.Calls(ctx, cfg, store.Query{Missed: true}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(call.Start.Format(time.DateTime), call.Caller.Phone, "gave up after", call.Waited())
	}
	// Output: 2023-08-30 10:04:10 +12025550100 gave up after 3s
}

func ExamplePrune() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	// Retention would have the Store itself prune about every hour.
	cfg := store.Config{URL: "sqlite:" + filepath.Join(dir, "events.db")}
	s, err := store.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := s.Connect(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	e, err := events.Decode([]byte(`{"id":"call-1","type":"call:end","time":1693389853611,"data":{}}`)) // in 2023
	if err == nil {
		err = s.HandleEvent(ctx, e)
	}
	if err != nil {
		fmt.Println(err)
		return
	}

	pruned, err := store.Prune(ctx, cfg, time.Now().AddDate(0, 0, -90), false)
	fmt.Println(pruned.Calls, "call and", pruned.Events, "event deleted,", err)
	// Output: 1 call and 1 event deleted, <nil>
}
