package once_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"wildix-worker/events"
	"wildix-worker/events/once"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("CRM is down")

func event(id string) *events.Event { return &events.Event{ID: id, Raw: []byte(id)} }

// a counter counts the events that got through to it, and answers.
type counter struct {
	calls  atomic.Int64
	answer func(ctx context.Context) error
}

func (c *counter) HandleEvent(ctx context.Context, _ *events.Event) error {
	c.calls.Add(1)
	if c.answer == nil {
		return nil
	}
	return c.answer(ctx)
}

func want(t *testing.T, h events.Handler, e *events.Event, outcome events.Outcome) error {
	t.Helper()
	got, err := events.Dispatch(t.Context(), h, e)
	if got != outcome {
		t.Errorf("%s: %s (%v), want %s", e.ID, got, err, outcome)
	}
	return err
}

func (c *counter) want(t *testing.T, calls int64) {
	t.Helper()
	if got := c.calls.Load(); got != calls {
		t.Errorf("%d calls, want %d", got, calls)
	}
}

func TestRepeatIsADuplicate(t *testing.T) {
	c := &counter{}
	h := once.New("crm", once.InMemory(0, 0), once.Options{})(c)
	want(t, h, event("1"), events.Handled)
	want(t, h, event("1"), events.Duplicate)
	want(t, h, event("2"), events.Handled)
	c.want(t, 2)
}

func TestFailureIsTriedAgainAtOnce(t *testing.T) {
	for name, answer := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errDown },
		"never": func(context.Context) error { return events.Permanent(errDown) },
		"panic": func(context.Context) error { panic("oh") },
		// It would be done by itself, but it is not alone.
		"joined": func(context.Context) error { return errors.Join(events.ErrDuplicate, errDown) },
	} {
		t.Run(name, func(t *testing.T) {
			c := &counter{answer: answer}
			h := once.New("crm", once.InMemory(0, 0), once.Options{})(c)
			want(t, h, event("1"), events.Failed)
			want(t, h, event("1"), events.Failed)
			c.answer = nil
			want(t, h, event("1"), events.Handled)
			c.want(t, 3)
		})
	}
}

func TestIgnoredAndKnownEventsAreDone(t *testing.T) {
	for answer, outcome := range map[error]events.Outcome{events.ErrNoHandler: events.Ignored, events.ErrDuplicate: events.Duplicate} {
		c := &counter{answer: func(context.Context) error { return answer }}
		h := once.New("crm", once.InMemory(0, 0), once.Options{})(c)
		want(t, h, event("1"), outcome)
		want(t, h, event("1"), events.Duplicate)
		c.want(t, 1)
	}
}

func TestRetryLeavesOutWhatHasSucceeded(t *testing.T) {
	memory := once.InMemory(0, 0)
	store, forward := &counter{}, &counter{answer: func(context.Context) error { return errDown }}
	chain := events.Chain(once.New("store", memory, once.Options{})(store), once.New("forward", memory, once.Options{})(forward))
	want(t, chain, event("1"), events.Failed)
	want(t, chain, event("1"), events.Failed)
	forward.answer = nil
	want(t, chain, event("1"), events.Handled)
	want(t, chain, event("1"), events.Duplicate)
	store.want(t, 1)
	forward.want(t, 3)
}

func TestEventInProgressComesAgainWhenItsLeaseHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, margin = 30 * time.Second, 10 * time.Second
		finish := make(chan struct{})
		c := &counter{answer: func(context.Context) error { <-finish; return nil }}
		h := once.New("crm", once.InMemory(0, 0), once.Options{})(c)
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		go h.HandleEvent(ctx, event("1"))
		time.Sleep(10 * time.Second)
		err := want(t, h, event("1"), events.Failed)
		if delay, ok := events.RetryDelay(err); !ok || delay != limit+margin-10*time.Second {
			t.Errorf("comes again after %s", delay)
		}
		if errors.Unwrap(err) != nil {
			t.Errorf("%v has a cause, and counts as a failure", err)
		}
		close(finish)
		synctest.Wait()
		want(t, h, event("1"), events.Duplicate)
		c.want(t, 1)
	})
}

func TestMemoryKeepsWhatItPromises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		h := once.New("crm", once.InMemory(10, time.Hour), once.Options{})(c)
		fresh := 0
		handle := func() {
			fresh++
			want(t, h, event(fmt.Sprint("fresh ", fresh)), events.Handled)
		}
		want(t, h, event("1"), events.Handled)
		time.Sleep(29 * time.Minute)
		want(t, h, event("1"), events.Duplicate)
		time.Sleep(2 * time.Hour)
		want(t, h, event("1"), events.Handled)
		for range 4 {
			handle()
		}
		want(t, h, event("1"), events.Duplicate)
		for range 10 {
			handle()
		}
		want(t, h, event("1"), events.Handled)
	})
}

func TestOneOfManyAtOnceGetsTheEvent(t *testing.T) {
	c := &counter{}
	memory := once.InMemory(0, 0)
	var handling sync.WaitGroup
	for range 8 {
		h := once.New("crm", memory, once.Options{})(c)
		handling.Go(func() {
			for i := range 1000 {
				h.HandleEvent(t.Context(), event(fmt.Sprint(i)))
			}
		})
	}
	handling.Wait()
	c.want(t, 1000)
}

// Several workers with one memory; some crash in the middle of a handler.
func TestPromisesHoldWhateverHappens(t *testing.T) {
	const lease = time.Minute
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			memory := once.InMemory(1000, 100*time.Hour)
			type claim struct {
				owner string
				until time.Time
			}
			running, done := map[string]claim{}, map[string]bool{}
			owners := 0
			rt.Repeat(map[string]func(*rapid.T){
				"begin": func(rt *rapid.T) {
					key := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key")
					owners++
					owner := fmt.Sprint(owners)
					state, until, err := memory.Begin(t.Context(), key, owner, lease)
					expected := once.StateNew
					if time.Now().Before(running[key].until) {
						expected = once.StateInProgress
					}
					if done[key] {
						expected = once.StateDone
					}
					if err != nil || state != expected {
						rt.Fatalf("%s: state %d, error %v, want %d", key, state, err, expected)
					}
					if state == once.StateInProgress && !until.Equal(running[key].until) {
						rt.Fatalf("%s: until %s, want %s", key, until, running[key].until)
					}
					if state == once.StateNew {
						running[key] = claim{owner, time.Now().Add(lease)}
					}
				},
				"complete": func(rt *rapid.T) {
					key := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key")
					if running[key].owner != "" && memory.Complete(t.Context(), key) == nil {
						done[key] = true
					}
				},
				"release": func(rt *rapid.T) {
					key := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key")
					owner := fmt.Sprint(rapid.IntRange(1, owners+1).Draw(rt, "owner"))
					if memory.Release(t.Context(), key, owner) == nil && running[key].owner == owner {
						running[key] = claim{}
					}
				},
				"wait": func(rt *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(1, 90).Draw(rt, "seconds")) * time.Second) },
			})
		})
	})
}

func BenchmarkInMemory(b *testing.B) {
	h := once.New("crm", once.InMemory(0, 0), once.Options{})(&counter{})
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	body := make([]byte, 1024)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		copy(body, fmt.Sprint(i))
		if err := h.HandleEvent(ctx, &events.Event{Raw: body}); err != nil {
			b.Fatal(err)
		}
	}
}
