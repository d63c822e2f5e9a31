// Package storetest tests implementations of [once.Store]: the contract of its methods,
// and that events have their effect once when several workers share a store.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/once"
)

// Run runs all tests, each with a new and empty store.
func Run(t *testing.T, newStore func(t *testing.T) once.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, once.Store)
	}{
		{"LeaseExcludesOtherOwners", leaseExcludesOtherOwners},
		{"DoneHoldsForAllOwners", doneHoldsForAllOwners},
		{"OnlyTheOwnerReleasesALease", onlyTheOwnerReleasesALease},
		{"EndedLeaseIsTakenOver", endedLeaseIsTakenOver},
		{"ExpiredEventIsNew", expiredEventIsNew},
		{"OneOfManyOwnersGetsTheLease", oneOfManyOwnersGetsTheLease},
		{"FailedEventIsTriedAgainAtOnce", failedEventIsTriedAgainAtOnce},
		{"HandlersOfAnEventAreIndependent", handlersOfAnEventAreIndependent},
		{"TwoWorkersHandleEachEventOnce", twoWorkersHandleEachEventOnce},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newStore(t)) })
	}
}

// Two owners of leases.
const ada, bob = 1, 2

func key(n byte) once.Key { return once.Key{Handler: "crm", Delivery: [32]byte{n}} }

// begin claims an event for an hour and returns its state.
func begin(t *testing.T, s once.Store, k once.Key, owner uint64) once.State {
	t.Helper()
	return beginFor(t, s, k, owner, time.Hour)
}

func beginFor(t *testing.T, s once.Store, k once.Key, owner uint64, lease time.Duration) once.State {
	t.Helper()
	claim, err := s.Begin(t.Context(), k, owner, lease)
	fatal(t, err)
	if inProgress := claim.State == once.InProgress; inProgress != (claim.Wait > 0) || claim.Wait > time.Hour {
		t.Fatalf("state %d, wait %s", claim.State, claim.Wait)
	}
	return claim.State
}

func want(t *testing.T, got, want once.State) {
	t.Helper()
	if got != want {
		t.Fatalf("state %d, want %d", got, want)
	}
}

func leaseExcludesOtherOwners(t *testing.T, s once.Store) {
	want(t, begin(t, s, key(1), ada), once.Begun)
	want(t, begin(t, s, key(1), bob), once.InProgress)
	want(t, begin(t, s, key(1), ada), once.Begun) // the same call, repeated
	want(t, begin(t, s, key(2), bob), once.Begun)
}

func doneHoldsForAllOwners(t *testing.T, s once.Store) {
	begin(t, s, key(1), ada)
	fatal(t, s.Done(t.Context(), key(1), time.Hour))
	want(t, begin(t, s, key(1), ada), once.Done)
	want(t, begin(t, s, key(1), bob), once.Done)
	fatal(t, s.Release(t.Context(), key(1), ada)) // too late
	want(t, begin(t, s, key(1), bob), once.Done)
	fatal(t, s.Done(t.Context(), key(1), time.Hour)) // the same call, repeated
	want(t, begin(t, s, key(1), bob), once.Done)
}

func onlyTheOwnerReleasesALease(t *testing.T, s once.Store) {
	begin(t, s, key(1), ada)
	fatal(t, s.Release(t.Context(), key(1), bob))
	want(t, begin(t, s, key(1), bob), once.InProgress)
	fatal(t, s.Release(t.Context(), key(1), ada))
	want(t, begin(t, s, key(1), bob), once.Begun)
	fatal(t, s.Release(t.Context(), key(1), ada)) // the same call, repeated
	want(t, begin(t, s, key(1), ada), once.InProgress)
}

func endedLeaseIsTakenOver(t *testing.T, s once.Store) {
	want(t, beginFor(t, s, key(1), ada, -time.Second), once.Begun)
	want(t, begin(t, s, key(1), bob), once.Begun)
	fatal(t, s.Release(t.Context(), key(1), ada)) // no longer the owner
	want(t, begin(t, s, key(1), ada), once.InProgress)
	fatal(t, s.Done(t.Context(), key(1), time.Hour)) // by ada, who has handled it
	want(t, begin(t, s, key(1), ada), once.Done)
	fatal(t, s.Release(t.Context(), key(1), bob)) // bob's failure does not undo that
	want(t, begin(t, s, key(1), bob), once.Done)
}

func expiredEventIsNew(t *testing.T, s once.Store) {
	fatal(t, s.Done(t.Context(), key(1), -time.Hour)) // expired, though perhaps not deleted
	want(t, begin(t, s, key(1), ada), once.Begun)
	want(t, begin(t, s, key(1), bob), once.InProgress)
	fatal(t, s.Done(t.Context(), key(1), time.Hour))
	want(t, begin(t, s, key(1), bob), once.Done)
}

func oneOfManyOwnersGetsTheLease(t *testing.T, s once.Store) {
	const owners = 8
	for n := range byte(20) {
		var racing sync.WaitGroup
		var claims [owners]once.Claim
		var errs [owners]error
		for owner := range claims {
			racing.Go(func() { claims[owner], errs[owner] = s.Begin(t.Context(), key(n), uint64(owner), time.Hour) })
		}
		racing.Wait()
		begun := 0
		for owner, claim := range claims {
			fatal(t, errs[owner])
			if claim.State == once.Begun {
				begun++
			}
		}
		if begun != 1 {
			t.Fatalf("%d owners have the lease", begun)
		}
	}
}

var errDown = errors.New("CRM is down")

func failedEventIsTriedAgainAtOnce(t *testing.T, s once.Store) {
	for n, failure := range []error{errDown, events.Permanent(errDown), events.RetryAfter(time.Minute, errDown), errors.Join(errDown, events.ErrDuplicate)} {
		result := failure
		h := events.HandlerFunc(func(context.Context, *events.Event) error { return result })
		mine, theirs := wrap(t, h, "crm", s), wrap(t, h, "crm", s)
		for _, w := range []events.Handler{mine, mine, theirs} {
			if outcome, err := deliver(t, w, n); outcome != events.Failed || !errors.Is(err, failure) {
				t.Fatalf("%s, %v", outcome, err)
			}
		}
		result = nil
		expect(t, mine, n, events.Handled)
		expect(t, theirs, n, events.Duplicate)
	}
}

func handlersOfAnEventAreIndependent(t *testing.T, s once.Store) {
	var stored, forwarded int
	failure := errDown
	store := wrap(t, events.HandlerFunc(func(context.Context, *events.Event) error { stored++; return nil }), "store", s)
	forward := wrap(t, events.HandlerFunc(func(context.Context, *events.Event) error { forwarded++; return failure }), "forward", s)
	expect(t, store, 1, events.Handled)
	for range 2 {
		expect(t, forward, 1, events.Failed)
		expect(t, store, 1, events.Duplicate)
	}
	failure = nil
	expect(t, forward, 1, events.Handled)
	expect(t, forward, 1, events.Duplicate)
	if stored != 1 || forwarded != 3 {
		t.Errorf("stored %d times, forwarded %d times", stored, forwarded)
	}
}

// twoWorkersHandleEachEventOnce delivers a thousand events to two workers at once.
func twoWorkersHandleEachEventOnce(t *testing.T, s once.Store) {
	const many, atOnce = 1000, 4
	var calls [many]atomic.Int64
	h := events.HandlerFunc(func(_ context.Context, e *events.Event) error {
		n, err := strconv.Atoi(string(e.Raw))
		if err != nil {
			return err
		}
		calls[n].Add(1)
		return nil
	})
	workers := []events.Handler{wrap(t, h, "crm", s), wrap(t, h, "crm", s)}
	var next, handled, repeated atomic.Int64
	var racing sync.WaitGroup
	for range atOnce {
		racing.Go(func() {
			for n := int(next.Add(1)) - 1; n < many; n = int(next.Add(1)) - 1 {
				var pair sync.WaitGroup
				for _, w := range workers {
					pair.Go(func() {
						if deliverUntilDone(t, w, n) == events.Duplicate {
							repeated.Add(1)
						} else {
							handled.Add(1)
						}
					})
				}
				pair.Wait()
			}
		})
	}
	racing.Wait()
	for n := range calls {
		if calls[n].Load() != 1 {
			t.Errorf("event %d was handled %d times", n, calls[n].Load())
		}
	}
	if handled.Load() != many || repeated.Load() != many {
		t.Errorf("%d handled, %d duplicates", handled.Load(), repeated.Load())
	}
}

// deliverUntilDone delivers an event again while it is in progress.
func deliverUntilDone(t *testing.T, h events.Handler, n int) events.Outcome {
	for {
		outcome, err := deliver(t, h, n)
		if outcome.Done() {
			return outcome
		}
		if _, inProgress := events.RetryDelay(err); !inProgress {
			t.Errorf("%v", err)
			return outcome
		}
	}
}

// wrap returns the handler as a separate worker would wrap it.
func wrap(t *testing.T, h events.Handler, name string, s once.Store) events.Handler {
	t.Helper()
	middleware, err := once.New(once.Config{Name: name, Shared: s})
	fatal(t, err)
	return middleware(h)
}

// deliver delivers the event of that number, which is of the usual size.
func deliver(t *testing.T, h events.Handler, n int) (events.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return events.Dispatch(ctx, h, &events.Event{ID: "call", Type: "call:end", ReceiveCount: 1, Raw: fmt.Appendf(nil, "%01000d", n)})
}

func expect(t *testing.T, h events.Handler, n int, want events.Outcome) {
	t.Helper()
	if got, err := deliver(t, h, n); got != want {
		t.Fatalf("event %d is %s (%v), want %s", n, got, err, want)
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
