package once_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/events"
	"wildix-worker/events/once"
)

// A cutStore is a shared store that can be made to give no answer.
type cutStore struct {
	*once.LocalStore
	cut bool
}

func (s *cutStore) Begin(ctx context.Context, key once.Key, owner uint64, lease time.Duration) (once.Claim, error) {
	if s.cut {
		<-ctx.Done()
		return once.Claim{}, ctx.Err()
	}
	return s.LocalStore.Begin(ctx, key, owner, lease)
}

func (s *cutStore) Done(ctx context.Context, key once.Key, keep time.Duration) error {
	if s.cut {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.LocalStore.Done(ctx, key, keep)
}

func (s *cutStore) Release(ctx context.Context, key once.Key, owner uint64) error {
	if s.cut {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.LocalStore.Release(ctx, key, owner)
}

func newCutStore() *cutStore { return &cutStore{LocalStore: once.NewLocalStore(1000)} }

func TestStoreThatHangsDelaysFewEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newCutStore()
		shared.cut = true
		w := wrapped(t, &handler{}, once.Config{Shared: shared, OnUnreachable: once.AtLeastOnce})
		began := time.Now()
		for n := range 100 {
			expect(t, w, event(n), events.Handled)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("100 events took %s", took)
		}
		shared.cut = false
		time.Sleep(2 * time.Second)
		expect(t, w, event(200), events.Handled)
		expect(t, wrapped(t, &handler{}, once.Config{Shared: shared}), event(200), events.Duplicate)
	})
}

func TestHandlerGetsHalfOfTheTimeWhenTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newCutStore()
		shared.cut = true
		h := &handler{result: func(ctx context.Context) error { return ctx.Err() }}
		w := wrapped(t, h, once.Config{Shared: shared, OnUnreachable: once.AtLeastOnce})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.HandleEvent(ctx, event(1)); err != nil {
			t.Error(err)
		}
	})
}

// A consumer that stops waits one second for its handlers.
func TestStopDoesNotWaitForTheStore(t *testing.T) {
	for name, result := range map[string]error{"done": nil, "failed": errDown} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := newCutStore()
				ctx, stop := context.WithCancel(t.Context())
				var stopped time.Time
				h := &handler{result: func(context.Context) error {
					shared.cut = true
					time.AfterFunc(time.Second, func() { stopped = time.Now(); stop() })
					return result
				}}
				wrapped(t, h, once.Config{Shared: shared}).HandleEvent(ctx, event(1))
				if took := time.Since(stopped); took >= time.Second {
					t.Errorf("the handler returned %s after the stop", took)
				}
				stop()
			})
		})
	}
}

func TestStopIsNotAFailureOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newCutStore()
		shared.cut = true
		core, logged := observer.New(zapcore.DebugLevel)
		stopping := errors.New("worker stopping")
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { stop(stopping) })
		err := wrapped(t, &handler{}, once.Config{Shared: shared, Logger: zap.New(core)}).HandleEvent(ctx, event(1))
		if !errors.Is(err, stopping) || logged.Len() > 0 {
			t.Errorf("error %v, log %v", err, logged.All())
		}
	})
}

func TestOneLogLineAChangeOfState(t *testing.T) {
	for policy, effect := range map[once.Policy]string{once.Wait: "events wait", once.AtLeastOnce: "events are handled at least once"} {
		synctest.Test(t, func(t *testing.T) {
			shared := newCutStore()
			core, logged := observer.New(zapcore.DebugLevel)
			w := wrapped(t, &handler{}, once.Config{Shared: shared, OnUnreachable: policy, Logger: zap.New(core)})
			for n := range 60 {
				shared.cut = n >= 10 && n < 40 && n%3 > 0 // two of three calls fail, for a while
				deliver(t, w, event(n))
				time.Sleep(time.Second)
			}
			var lines []string
			for _, entry := range logged.All() {
				lines = append(lines, entry.Message)
				if entry.ContextMap()["handler"] != "crm" {
					t.Errorf("fields %v", entry.ContextMap())
				}
			}
			want := "shared store can't be reached, " + effect + "\nshared store is reached again"
			if got := strings.Join(lines, "\n"); got != want {
				t.Errorf("log\n%s\nwant\n%s", got, want)
			}
		})
	}
}
