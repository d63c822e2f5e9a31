package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"wildix-worker/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handle passes events to the stores in turn, all at the same time.
func handle(t interface{ Errorf(string, ...any) }, all []*events.Event, stores ...*Store) {
	var handlers sync.WaitGroup
	for i, e := range all {
		handlers.Go(func() {
			if err := stores[i%len(stores)].HandleEvent(context.Background(), e); err != nil {
				t.Errorf("event %d: %v", i, err)
			}
		})
	}
	handlers.Wait()
}

func TestHandleEventReturnsWhenItsContextEnds(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		s := db.open(t)
		release := db.lock(t, "events")
		gone := errors.New("lease lost")
		ctx, cancel := context.WithCancelCause(t.Context())
		failed := make(chan error)
		e := decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)
		go func() { failed <- s.HandleEvent(ctx, e) }() // waits for its transaction, or for the one before
		time.AfterFunc(50*time.Millisecond, func() { cancel(gone) })
		if err := <-failed; !errors.Is(err, gone) { // or the lock would never be released
			t.Errorf("got %v", err)
		}
		expired, cancel2 := context.WithCancel(t.Context())
		cancel2()
		if err := s.HandleEvent(expired, e); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		release()
		handle(t, []*events.Event{decode(t, `{"id":"call-2","type":"call:start","time":1693389850810,"data":{}}`)}, s)
		if n := db.count(t, "events WHERE id = 'call-2'"); n != 1 {
			t.Errorf("%d rows of the event that was handled afterwards", n)
		}
	})
}

func TestClosedStoreHandlesNothing(t *testing.T) {
	e := decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{}}`)
	for _, used := range []bool{false, true} {
		s, err := New(Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "events.db")})
		if err != nil {
			t.Fatal(err)
		}
		if used {
			handle(t, []*events.Event{e}, s)
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := s.HandleEvent(t.Context(), e); !errors.Is(err, errClosed) {
			t.Errorf("after Close: %v", err)
		}
		if err := s.Connect(t.Context()); !errors.Is(err, errClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}
