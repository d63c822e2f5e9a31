package once_test

import (
	"sync"
	"testing"
	"time"

	"wildix-worker/events/once"
)

// Two owners of leases.
const ada, bob = 1, 2

func key(n byte) once.Key { return once.Key{Handler: "crm", Delivery: [32]byte{n}} }

// begin claims an event for an hour, and says how far it has got.
func begin(t *testing.T, m once.Store, k once.Key, owner uint64) once.State {
	t.Helper()
	return beginFor(t, m, k, owner, time.Hour)
}

func beginFor(t *testing.T, m once.Store, k once.Key, owner uint64, lease time.Duration) once.State {
	t.Helper()
	answer, err := m.Begin(t.Context(), k, owner, lease)
	fatal(t, err)
	if inProgress := answer.State == once.InProgress; inProgress != (answer.Wait > 0) || answer.Wait > time.Hour {
		t.Fatalf("state %d, wait %s", answer.State, answer.Wait)
	}
	return answer.State
}

func want(t *testing.T, got, want once.State) {
	t.Helper()
	if got != want {
		t.Fatalf("state %d, want %d", got, want)
	}
}

func TestALeaseKeepsOthersOut(t *testing.T) {
	everywhere(t, func(t *testing.T, m once.Store) {
		want(t, begin(t, m, key(1), ada), once.Begun)
		want(t, begin(t, m, key(1), bob), once.InProgress)
		want(t, begin(t, m, key(1), ada), once.Begun) // the same call, repeated
		want(t, begin(t, m, key(2), bob), once.Begun)
	})
}

func TestDoneIsDoneForAll(t *testing.T) {
	everywhere(t, func(t *testing.T, m once.Store) {
		begin(t, m, key(1), ada)
		fatal(t, m.Done(t.Context(), key(1), time.Hour))
		want(t, begin(t, m, key(1), ada), once.Done)
		want(t, begin(t, m, key(1), bob), once.Done)
		fatal(t, m.Release(t.Context(), key(1), ada)) // too late
		want(t, begin(t, m, key(1), bob), once.Done)
		fatal(t, m.Done(t.Context(), key(1), time.Hour)) // the same call, repeated
		want(t, begin(t, m, key(1), bob), once.Done)
	})
}

func TestALeaseIsGivenBackByItsOwnerOnly(t *testing.T) {
	everywhere(t, func(t *testing.T, m once.Store) {
		begin(t, m, key(1), ada)
		fatal(t, m.Release(t.Context(), key(1), bob))
		want(t, begin(t, m, key(1), bob), once.InProgress)
		fatal(t, m.Release(t.Context(), key(1), ada))
		want(t, begin(t, m, key(1), bob), once.Begun)
		fatal(t, m.Release(t.Context(), key(1), ada)) // the same call, repeated
		want(t, begin(t, m, key(1), ada), once.InProgress)
	})
}

func TestALeaseThatHasEndedIsTakenOver(t *testing.T) {
	everywhere(t, func(t *testing.T, m once.Store) {
		want(t, beginFor(t, m, key(1), ada, -time.Second), once.Begun)
		want(t, begin(t, m, key(1), bob), once.Begun)
		fatal(t, m.Release(t.Context(), key(1), ada)) // not hers any more
		want(t, begin(t, m, key(1), ada), once.InProgress)
		fatal(t, m.Done(t.Context(), key(1), time.Hour)) // she has done it all the same
		want(t, begin(t, m, key(1), ada), once.Done)
		fatal(t, m.Release(t.Context(), key(1), bob)) // which his failure does not undo
		want(t, begin(t, m, key(1), bob), once.Done)
	})
}

func TestWhatIsNoLongerToBeRememberedIsNew(t *testing.T) {
	everywhere(t, func(t *testing.T, m once.Store) {
		fatal(t, m.Done(t.Context(), key(1), -time.Hour)) // DynamoDB has not deleted it yet
		want(t, begin(t, m, key(1), ada), once.Begun)
		want(t, begin(t, m, key(1), bob), once.InProgress)
		fatal(t, m.Done(t.Context(), key(1), time.Hour))
		want(t, begin(t, m, key(1), bob), once.Done)
	})
}

func TestOneOfManyGetsTheLease(t *testing.T) {
	everywhere(t, func(t *testing.T, m once.Store) {
		const owners = 8
		for n := range byte(20) {
			var racing sync.WaitGroup
			var answers [owners]once.Answer
			var errs [owners]error
			for owner := range answers {
				racing.Go(func() { answers[owner], errs[owner] = m.Begin(t.Context(), key(n), uint64(owner), time.Hour) })
			}
			racing.Wait()
			begun := 0
			for owner, answer := range answers {
				fatal(t, errs[owner])
				if answer.State == once.Begun {
					begun++
				}
			}
			if begun != 1 {
				t.Fatalf("%d owners have the lease", begun)
			}
		}
	})
}
