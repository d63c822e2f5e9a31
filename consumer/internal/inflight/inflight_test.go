package inflight

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// token is a token with its budget.
type token struct {
	*Token
	budget *Budget
}

func (t token) Hold(bytes int) bool { return t.budget.Hold(t.Token, bytes) }
func (t token) Resume()             { t.budget.Resume(t.Token) }
func (t token) HandlerDone()        { t.budget.HandlerDone(t.Token) }
func (t token) Settled()            { t.budget.Settled(t.Token) }

// take takes slots, which must be free, and returns the tokens of their messages.
func take(t *testing.T, b *Budget, n int) (tokens []token) {
	t.Helper()
	if taken := b.Take(t.Context(), n); taken != n {
		t.Fatalf("took %d slots, want %d", taken, n)
	}
	for range n {
		tokens = append(tokens, token{new(Token), b})
	}
	return tokens
}

// budgetOf returns a budget that may hold five messages with 100 bytes in all, and is
// never blocked.
func budgetOf(slots int) *Budget {
	return New(Config{Slots: slots, MaxHeld: 5, MaxHeldBytes: 100, Blocked: func() bool { return false }})
}

func (b *Budget) wantCounts(t *testing.T, free, unsettled, held int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.free != free || b.unsettled != unsettled || b.held != held {
		t.Errorf("%d free, %d unsettled, %d held; want %d, %d, %d", b.free, b.unsettled, b.held, free, unsettled, held)
	}
	if b.held == 0 && b.heldBytes != 0 {
		t.Errorf("%d bytes are held by no message", b.heldBytes)
	}
}

func TestTakeReturnsAtMostWhatIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budgetOf(12)
		take(t, b, 10)
		start := time.Now()
		if taken := b.Take(t.Context(), 10); taken != 2 {
			t.Errorf("took %d slots, want the 2 that are left", taken)
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
		b := budgetOf(1)
		first := take(t, b, 1)[0]
		taken := make(chan int)
		go func() { taken <- b.Take(t.Context(), 1) }()
		synctest.Wait()
		select {
		case <-taken:
			t.Fatal("took a slot beyond the budget")
		default:
		}
		first.HandlerDone()
		if n := <-taken; n != 1 {
			t.Errorf("took %d slots, want 1", n)
		}
	})
}

func TestSlotsThatAreGivenBackAreFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budgetOf(3)
		take(t, b, 3)
		taken := make(chan int)
		go func() { taken <- b.Take(t.Context(), 2) }()
		synctest.Wait()
		b.GiveBack(2)
		if n := <-taken; n != 2 {
			t.Errorf("took %d slots, want the 2 that were given back", n)
		}
		b.wantCounts(t, 0, 0, 0)
	})
}

func TestTakeCollectsSlotsThatBecomeFreeSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budgetOf(10)
		tokens := take(t, b, 10)
		go func() {
			for _, token := range tokens {
				time.Sleep(time.Millisecond)
				token.Settled()
			}
		}()
		if n := b.Take(t.Context(), 10); n != 10 {
			t.Errorf("took %d slots, want all 10", n)
		}
	})
}

func TestTakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budgetOf(1)
		take(t, b, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var takers sync.WaitGroup
		for range 3 { // one waits for a slot, the others for their turn
			takers.Go(func() {
				if n := b.Take(ctx, 10); n != 0 {
					t.Errorf("took %d slots", n)
				}
			})
		}
		takers.Wait()
		b.wantCounts(t, 0, 0, 0)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if n := budgetOf(1).Take(ended, 1); n != 0 {
			t.Errorf("took %d slots after the context had ended", n)
		}
	})
}

func TestUnsettledMessagesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budgetOf(5)
		var unsettled []token
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
		if n := b.Take(ctx, 1); n != 0 {
			t.Errorf("took %d slots while too many messages are not settled", n)
		}
		unsettled[0].Settled()
		take(t, b, 1)
	})
}

func TestHeldMessageOccupiesNoSlot(t *testing.T) {
	b := budgetOf(1)
	waiting := take(t, b, 1)[0]
	if !waiting.Hold(7) || waiting.Hold(7) {
		t.Fatal("want held once")
	}
	b.wantCounts(t, 1, 0, 1)
	if n, bytes := b.Held(); n != 1 || bytes != 7 {
		t.Errorf("held %d messages with %d bytes", n, bytes)
	}
	other := take(t, b, 1)[0]
	waiting.Resume() // although no slot is free
	waiting.Resume()
	b.wantCounts(t, -1, 0, 0)
	other.HandlerDone()
	b.wantCounts(t, 0, 1, 0)
	if !waiting.Hold(7) {
		t.Fatal("not held a second time")
	}
	waiting.HandlerDone()
	waiting.HandlerDone()
	other.Settled()
	other.Settled()
	waiting.Settled()
	b.wantCounts(t, 1, 0, 0)
}

func TestHeldMessagesAreLimitedByCount(t *testing.T) {
	b := budgetOf(10)
	tokens := take(t, b, 10)
	for i, token := range tokens {
		if held := token.Hold(1); held != (i < 5) {
			t.Errorf("message %d: held %v", i, held)
		}
	}
	b.wantCounts(t, 5, 0, 5) // the others keep their slots
	tokens[0].Resume()
	if !tokens[9].Hold(1) {
		t.Error("not held, though another was resumed")
	}
}

func TestHeldMessagesAreLimitedBySize(t *testing.T) {
	b := budgetOf(10)
	tokens := take(t, b, 10)
	if !tokens[0].Hold(99) || !tokens[1].Hold(1000) || tokens[2].Hold(0) {
		t.Error("want the limit to end with the message that reaches it")
	}
	tokens[1].Settled()
	if !tokens[2].Hold(0) {
		t.Error("not held, though another was settled")
	}
}

func TestTakeWaitsWhileNothingCanBeHandledOrHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var blocked atomic.Bool
		blocked.Store(true)
		b := New(Config{Slots: 3, MaxHeld: 2, MaxHeldBytes: 100, Blocked: blocked.Load})
		if taken := b.Take(t.Context(), 3); taken != 2 {
			t.Fatalf("took %d slots, want as many as can be held", taken)
		}
		held := []token{{new(Token), b}, {new(Token), b}}
		held[0].Hold(1)
		held[1].Hold(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if n := b.Take(ctx, 1); n != 0 {
			t.Fatal("took a slot for a message that can be neither handled nor held")
		}
		blocked.Store(false)
		take(t, b, 1)[0].Settled()
		blocked.Store(true)
		time.AfterFunc(time.Minute, func() { blocked.Store(false) })
		begun := time.Now()
		take(t, b, 1)[0].Settled()
		if waited := time.Since(begun); waited < time.Minute || waited > time.Minute+2*blockedWait {
			t.Errorf("received %s after the block began, want a minute", waited)
		}
		blocked.Store(true)
		time.AfterFunc(blockedWait/2, held[0].Settled)
		begun = time.Now()
		take(t, b, 1)
		if waited := time.Since(begun); waited != blockedWait/2+batchWait && waited != blockedWait/2 {
			t.Errorf("received %s after the block began, want at once when a message is settled", waited)
		}
	})
}

func TestAnyOrderOfCallsBalances(t *testing.T) {
	b := budgetOf(20)
	var users sync.WaitGroup
	for _, token := range take(t, b, 20) {
		for range 4 {
			users.Go(func() {
				for range 20 {
					[]func(){func() { token.Hold(rand.N(10)) }, token.Resume, token.HandlerDone, token.Settled}[rand.N(4)]()
				}
				token.Settled()
			})
		}
	}
	users.Wait()
	b.wantCounts(t, 20, 0, 0)
}

func TestSlotsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budgetOf(2)
		tokens := take(t, b, 2)
		more := make(chan int)
		go func() { more <- b.Take(t.Context(), 10) }()
		synctest.Wait()
		b.SetSlots(5) // wakes it
		if n := <-more; n != 3 {
			t.Errorf("took %d slots, want the 3 that are new", n)
		}
		b.SetSlots(1)
		b.wantCounts(t, -4, 0, 0)
		for _, token := range tokens {
			token.Settled()
		}
		b.wantCounts(t, -2, 0, 0)
		if b.Spare() || b.Slots() != 1 {
			t.Errorf("a slot of %d is free, though three are taken", b.Slots())
		}
	})
}
