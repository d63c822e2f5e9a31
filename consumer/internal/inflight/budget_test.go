package inflight

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// take takes tokens, which must be free.
func take(t *testing.T, b *Budget, n int) []*Token {
	t.Helper()
	tokens := b.Take(t.Context(), n)
	if len(tokens) != n {
		t.Fatalf("took %d tokens, want %d", len(tokens), n)
	}
	return tokens
}

func (b *Budget) wantCounts(t *testing.T, free, unsettled, parked int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.free != free || b.unsettled != unsettled || b.parked != parked {
		t.Errorf("%d free, %d unsettled, %d parked; want %d, %d, %d", b.free, b.unsettled, b.parked, free, unsettled, parked)
	}
}

func TestTakeReturnsAtMostWhatIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(12)
		take(t, b, 10)
		start := time.Now()
		if tokens := b.Take(t.Context(), 10); len(tokens) != 2 {
			t.Errorf("took %d tokens, want the 2 that are left", len(tokens))
		}
		if waited := time.Since(start); waited != batchWait {
			t.Errorf("waited %s for more, want %s", waited, batchWait)
		}
		if b.Spare() {
			t.Error("a slot is free, though all are taken")
		}
	})
}

func TestTakeWaitsForASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(1)
		first := take(t, b, 1)[0]
		taken := make(chan int)
		go func() { taken <- len(b.Take(t.Context(), 1)) }()
		synctest.Wait()
		select {
		case <-taken:
			t.Fatal("took a token beyond the budget")
		default:
		}
		first.HandlerDone()
		if n := <-taken; n != 1 {
			t.Errorf("took %d tokens, want 1", n)
		}
	})
}

func TestCancelledTokenFreesItsSlot(t *testing.T) {
	b := New(3)
	for _, token := range take(t, b, 3) {
		token.Cancel()
		token.Cancel()
	}
	b.wantCounts(t, 3, 0, 0)
}

func TestTakeCollectsSlotsThatBecomeFreeSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(10)
		tokens := take(t, b, 10)
		go func() {
			for _, token := range tokens {
				time.Sleep(time.Millisecond)
				token.Settled()
			}
		}()
		if n := len(b.Take(t.Context(), 10)); n != 10 {
			t.Errorf("took %d tokens, want all 10", n)
		}
	})
}

func TestTakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(1)
		take(t, b, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var takers sync.WaitGroup
		for range 3 { // one waits for a slot, the others for their turn
			takers.Go(func() {
				if n := len(b.Take(ctx, 10)); n != 0 {
					t.Errorf("took %d tokens", n)
				}
			})
		}
		takers.Wait()
		b.wantCounts(t, 0, 0, 0)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if n := len(New(1).Take(ended, 1)); n != 0 {
			t.Errorf("took %d tokens after the context had ended", n)
		}
	})
}

func TestUnsettledMessagesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(5)
		var unsettled []*Token
		for len(unsettled) < minUnsettled {
			tokens := take(t, b, 5)
			for _, token := range tokens {
				token.HandlerDone()
			}
			unsettled = append(unsettled, tokens...)
		}
		if b.Spare() {
			t.Errorf("%d messages are not settled, and another is received", len(unsettled))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if n := len(b.Take(ctx, 1)); n != 0 {
			t.Errorf("took %d tokens while too many messages are not settled", n)
		}
		unsettled[0].Settled()
		take(t, b, 1)
	})
}

func TestParkedMessageOccupiesNoSlot(t *testing.T) {
	b := New(1)
	waiting := take(t, b, 1)[0]
	waiting.Park()
	waiting.Park()
	b.wantCounts(t, 1, 1, 1)
	other := take(t, b, 1)[0]
	waiting.Resume() // the worker of the other calls this
	waiting.Resume()
	b.wantCounts(t, -1, 0, 0)
	other.HandlerDone()
	b.wantCounts(t, 0, 1, 0)
	waiting.HandlerDone()
	waiting.HandlerDone()
	other.Settled()
	other.Settled()
	waiting.Settled()
	b.wantCounts(t, 1, 0, 0)
}

func TestParkAfterResumeDoesNothing(t *testing.T) {
	b := New(1)
	token := take(t, b, 1)[0]
	token.Resume()
	token.Park()
	b.wantCounts(t, 0, 0, 0)
}

func TestParkedMessagesAreLimited(t *testing.T) {
	b := New(3 * minParked)
	for _, token := range take(t, b, 3*minParked) {
		token.Park()
	}
	b.wantCounts(t, 3*minParked, 3*minParked, 3*minParked)

	b = New(2)
	for range minParked {
		take(t, b, 1)[0].Park()
	}
	token := take(t, b, 1)[0]
	token.Park() // keeps its slot
	b.wantCounts(t, 1, minParked, minParked)
	token.Resume()
	b.wantCounts(t, 1, minParked, minParked)
}

func TestParkedMessageCanBeSettled(t *testing.T) {
	b := New(1)
	token := take(t, b, 1)[0]
	token.Park()
	token.HandlerDone()
	b.wantCounts(t, 1, 1, 0)
	token.Resume()
	token.Settled()
	token.Park()
	b.wantCounts(t, 1, 0, 0)
}

func TestAnyOrderOfCallsBalances(t *testing.T) {
	b := New(20)
	var users sync.WaitGroup
	for _, token := range take(t, b, 20) {
		for range 4 {
			users.Go(func() {
				for range 20 {
					[]func(){token.Park, token.Resume, token.HandlerDone, token.Settled}[rand.N(4)]()
				}
				token.Settled()
			})
		}
	}
	users.Wait()
	b.wantCounts(t, 20, 0, 0)
}
