package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/internal/batch"
)

// callTime is how long a call of the recorder takes.
const callTime = 50 * time.Millisecond

// A recorder is a Send that records its calls, and fails the items below 0.
type recorder struct {
	mu      sync.Mutex
	calls   [][]int
	running int
	most    int // calls at once
	ended   []error
}

func (r *recorder) send(ctx context.Context, items []int) []error {
	r.mu.Lock()
	r.calls = append(r.calls, slices.Clone(items))
	r.running++
	r.most = max(r.most, r.running)
	r.mu.Unlock()
	select {
	case <-time.After(callTime):
	case <-ctx.Done():
	}
	r.mu.Lock()
	r.running--
	r.ended = append(r.ended, ctx.Err())
	r.mu.Unlock()
	results := make([]error, len(items))
	for i, item := range items {
		if item < 0 {
			results[i] = fmt.Errorf("item %d", item)
		}
	}
	return results
}

func config(r *recorder) batch.Config[int] {
	return batch.Config[int]{
		MaxItems: 10, MaxSize: 100, Size: func(n int) int { return max(n, 0) }, MaxCalls: 2,
		Linger: 20 * time.Millisecond, Timeout: time.Second, Send: r.send,
	}
}

// start calls Do in a goroutine for each item, one after another, and returns a function
// that waits for their results.
func start(ctx context.Context, b *batch.Batcher[int], items ...int) (wait func() []error) {
	results := make([]error, len(items))
	var all sync.WaitGroup
	for i, item := range items {
		all.Go(func() { results[i] = b.Do(ctx, item) })
		synctest.Wait()
	}
	return func() []error {
		all.Wait()
		b.Close()
		return results
	}
}

func wantCalls(t *testing.T, r *recorder, want ...[]int) {
	t.Helper()
	if fmt.Sprint(r.calls) != fmt.Sprint(want) {
		t.Errorf("calls with %v, want %v", r.calls, want)
	}
}

func TestFirstItemGoesAtOnceAndOthersTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		begin := time.Now()
		wait := start(t.Context(), batch.New(config(r)), 1, 2, 3)
		wait()
		wantCalls(t, r, []int{1}, []int{2, 3})
		if took := time.Since(begin); took != 20*time.Millisecond+callTime {
			t.Errorf("took %s", took)
		}
	})
}

func TestBatchHasAtMostMaxItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		cfg := config(r)
		cfg.MaxCalls = 1 // keeps the order
		start(t.Context(), batch.New(cfg), make([]int, 23)...)()
		wantCalls(t, r, make([]int, 1), make([]int, 10), make([]int, 12)[:10], make([]int, 2))
	})
}

func TestBatchHasAtMostMaxSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		cfg := config(r)
		cfg.MaxCalls = 1 // keeps the order
		start(t.Context(), batch.New(cfg), 1, 60, 40, 1, 200, 3)()
		wantCalls(t, r, []int{1}, []int{60, 40}, []int{1}, []int{200}, []int{3})
	})
}

func TestAtMostMaxCallsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		start(t.Context(), batch.New(config(r)), make([]int, 60)...)()
		if r.most != 2 || len(r.calls) != 7 {
			t.Errorf("%d calls, %d at once", len(r.calls), r.most)
		}
	})
}

func TestEachGoroutineGetsTheResultOfItsItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		got := start(t.Context(), batch.New(config(r)), 1, -1, 2, -2)()
		if fmt.Sprint(got) != "[<nil> item -1 <nil> item -2]" {
			t.Errorf("results %v", got)
		}
	})
}

func TestItemWithoutResultFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		cfg := config(r)
		cfg.Send = func(ctx context.Context, items []int) []error { return r.send(ctx, items)[:len(items)-1] }
		got := start(t.Context(), batch.New(cfg), 1, 2, 3)()
		if got[0] == nil || got[1] != nil || got[2] == nil {
			t.Errorf("results %v", got)
		}
	})
}

func TestItemThatNobodyWaitsForIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		cfg := config(r)
		cfg.MaxCalls = 1
		b := batch.New(cfg)
		wait := start(t.Context(), b, 1)
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := start(ctx, b, 2)
		others := start(t.Context(), b, 3)
		lost := errors.New("lease lost")
		cancel(lost)
		synctest.Wait()
		if got := stopped(); got[0] != lost {
			t.Errorf("result %v", got[0])
		}
		wait()
		others()
		wantCalls(t, r, []int{1}, []int{3})
	})
}

func TestCallEndsWhenNobodyWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		begin := time.Now()
		start(ctx, batch.New(config(r)), 1)()
		if took := time.Since(begin); took != time.Millisecond || r.ended[0] != context.Canceled {
			t.Errorf("the call ended with %v after %s", r.ended, took)
		}
	})
}

func TestCallEndsAtItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		cfg := config(r)
		cfg.Timeout = callTime / 2
		start(t.Context(), batch.New(cfg), 1)()
		if r.ended[0] != context.DeadlineExceeded {
			t.Errorf("the call ended with %v", r.ended[0])
		}
	})
}
