package once_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/events"
	"wildix-worker/events/once"
)

// eachFault runs a test for each fault, all at once: most of the time they wait.
func eachFault(t *testing.T, faults []fault, test func(*testing.T, *table, fault)) {
	for _, f := range faults {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			test(t, newTable(t), f)
		})
	}
}

func TestEventsWaitForAMemoryThatCantBeReached(t *testing.T) {
	eachFault(t, []fault{throttled, broken, dropped, unanswered, hanging}, func(t *testing.T, table *table, f fault) {
		h := &handler{}
		w := wrapped(t, h, once.Config{Shared: table.memory()})
		table.set(f)
		outcome, err := deliver(t, w, event(1))
		table.set(faultless)
		if outcome != events.Failed || errors.Unwrap(err) == nil || !strings.HasPrefix(err.Error(), "what was done is not known: DynamoDB table once-") {
			t.Errorf("%s, %v", outcome, err)
		}
		if _, told := events.RetryDelay(err); told || events.IsPermanent(err) {
			t.Errorf("%v is no failure to the consumer's breaker", err)
		}
		if h.calls.Load() != 0 {
			t.Error("the event was handled")
		}
		if f == unanswered { // the claim is there, and nobody knows it is his
			expect(t, w, event(1), events.Failed)
			return
		}
		expect(t, w, event(1), events.Handled)
	})
}

// The client repeats what got lost; the claim is its own when it does.
func TestAnAnswerThatGotLostIsNoOtherWorker(t *testing.T) {
	eachFault(t, []fault{dropped, unanswered, broken}, func(t *testing.T, table *table, f fault) {
		w := wrapped(t, &handler{}, once.Config{Shared: table.memory()})
		table.set(f, 1)
		expect(t, w, event(1), events.Handled)
	})
}

func TestAtLeastOnceDoesWithoutTheMemory(t *testing.T) {
	eachFault(t, []fault{throttled, broken, dropped, unanswered, hanging}, func(t *testing.T, table *table, f fault) {
		h := &handler{}
		cfg := once.Config{Shared: table.memory(), OnUnreachable: once.AtLeastOnce}
		mine, theirs := wrapped(t, h, cfg), wrapped(t, h, cfg)
		table.set(f)
		expect(t, mine, event(1), events.Handled)
		expect(t, mine, event(1), events.Duplicate) // this much it knows by itself
		expect(t, theirs, event(1), events.Handled)
		table.set(faultless)
		expect(t, mine, event(1), events.Duplicate)
		expect(t, theirs, event(1), events.Duplicate)
	})
}

func TestAnEffectIsDoneThoughNobodyCanBeTold(t *testing.T) {
	eachFault(t, []fault{throttled, broken, dropped, hanging}, func(t *testing.T, table *table, f fault) {
		h := &handler{answer: func(context.Context) error {
			table.set(f)
			return nil
		}}
		mine := wrapped(t, h, once.Config{Shared: table.memory()})
		expect(t, mine, event(1), events.Handled)
		expect(t, mine, event(1), events.Duplicate)
		table.set(faultless)
		expect(t, mine, event(1), events.Duplicate)
		if h.calls.Load() != 1 {
			t.Errorf("%s: the handler was called %d times", f, h.calls.Load())
		}
		// To others it is in progress until the lease ends.
		expect(t, wrapped(t, h, once.Config{Shared: table.memory()}), event(1), events.Failed)
	})
}

func TestAnEventCostsTwoRequests(t *testing.T) {
	table := newTable(t)
	h := &handler{}
	mine, theirs := wrapped(t, h, once.Config{Shared: table.memory()}), wrapped(t, h, once.Config{Shared: table.memory()})
	table.count()
	for _, step := range []struct {
		w    events.Handler
		want events.Outcome
		cost int
	}{{mine, events.Handled, 2}, {mine, events.Duplicate, 0}, {theirs, events.Duplicate, 1}} {
		expect(t, step.w, event(1), step.want)
		if n := table.count(); n != step.cost {
			t.Errorf("%s cost %d requests, want %d", step.want, n, step.cost)
		}
	}
}

func TestCheckFindsWhatIsWrongWithATable(t *testing.T) {
	table := newTable(t)
	fatal(t, table.memory().Check(t.Context()))
	want(t, begin(t, table.memory(), once.Key{Handler: "check"}, ada), once.Begun)
	table.name += "-not"
	var answered smithy.APIError
	if err := table.memory().Check(t.Context()); !errors.As(err, &answered) || answered.ErrorCode() != "ResourceNotFoundException" {
		t.Errorf("no table: %v", err)
	}
}

// A slowMemory is a shared memory that can be cut off.
type slowMemory struct {
	once.LocalMemory
	cut bool
}

func (m *slowMemory) Begin(ctx context.Context, key once.Key, owner uint64, lease time.Duration) (once.Answer, error) {
	if m.cut {
		<-ctx.Done()
		return once.Answer{}, ctx.Err()
	}
	return m.LocalMemory.Begin(ctx, key, owner, lease)
}

func (m *slowMemory) Done(ctx context.Context, key once.Key, keep time.Duration) error {
	if m.cut {
		<-ctx.Done()
		return ctx.Err()
	}
	return m.LocalMemory.Done(ctx, key, keep)
}

func (m *slowMemory) Release(ctx context.Context, key once.Key, owner uint64) error {
	if m.cut {
		<-ctx.Done()
		return ctx.Err()
	}
	return m.LocalMemory.Release(ctx, key, owner)
}

func newSlowMemory() *slowMemory { return &slowMemory{LocalMemory: once.NewLocal(1000)} }

func TestAMemoryThatHangsHoldsUpFewEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newSlowMemory()
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

func TestAHandlerGetsHalfOfAShortTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newSlowMemory()
		shared.cut = true
		h := &handler{answer: func(ctx context.Context) error { return ctx.Err() }}
		w := wrapped(t, h, once.Config{Shared: shared, OnUnreachable: once.AtLeastOnce})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.HandleEvent(ctx, event(1)); err != nil {
			t.Error(err)
		}
	})
}

// The consumer waits a second for handlers that it has told to stop.
func TestAStopDoesNotWaitForTheMemory(t *testing.T) {
	for name, answer := range map[string]error{"done": nil, "failed": errDown} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := newSlowMemory()
				ctx, stop := context.WithCancel(t.Context())
				var stopped time.Time
				h := &handler{answer: func(context.Context) error {
					shared.cut = true
					time.AfterFunc(time.Second, func() { stopped = time.Now(); stop() })
					return answer
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

func TestAStopIsNoTroubleOfTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newSlowMemory()
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

func TestALogLineAChangeOfState(t *testing.T) {
	for policy, then := range map[once.Policy]string{once.Wait: "events wait", once.AtLeastOnce: "events are handled at least once"} {
		synctest.Test(t, func(t *testing.T) {
			shared := newSlowMemory()
			core, logged := observer.New(zapcore.DebugLevel)
			w := wrapped(t, &handler{}, once.Config{Shared: shared, OnUnreachable: policy, Logger: zap.New(core)})
			for n := range 60 {
				shared.cut = n >= 10 && n < 40 && n%3 > 0 // two of three fail, for a while
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
			want := "shared store can't be reached, " + then + "\nshared store is reached again"
			if got := strings.Join(lines, "\n"); got != want {
				t.Errorf("log\n%s\nwant\n%s", got, want)
			}
		})
	}
}
