package webhook_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

func TestSingleEventIsSentAtOnce(t *testing.T) {
	withRelay(t, standard, func(r *testRelay) {
		start := time.Now()
		fatal(t, r.handle(event("1")))
		if took := time.Since(start); took != sqslocal.DefaultLatency {
			t.Errorf("took %s, want the server's latency", took)
		}
	})
}

func TestEventsAreBatchedDuringCall(t *testing.T) {
	withRelay(t, standard, func(r *testRelay) {
		r.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 15 * time.Millisecond, Count: 1})
		all := bodies(21)
		errs, longest := r.handleAll(all...)
		fatal(t, errors.Join(errs...))
		r.wantCalls(3) // the first event alone, then two full batches
		if longest > 15*time.Millisecond+2*sqslocal.DefaultLatency {
			t.Errorf("an event took %s", longest)
		}
		r.wantReceived(all...)
	})
}

func TestEventWaitsAtMostMaxLinger(t *testing.T) {
	const promised = 20 * time.Millisecond
	withRelay(t, standard, func(r *testRelay) {
		r.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: time.Second, Count: 1})
		var handling sync.WaitGroup
		handling.Go(func() { fatal(t, r.handle(event("slow"))) })
		synctest.Wait()
		errs, longest := r.handleAll(bodies(3)...)
		fatal(t, errors.Join(errs...))
		if longest != promised+sqslocal.DefaultLatency {
			t.Errorf("an event took %s", longest)
		}
		handling.Wait()
		r.wantCalls(2)
	})
}

func TestEndOfLastCallSendsOpenBatch(t *testing.T) {
	withRelay(t, standard, func(r *testRelay) {
		r.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 4 * time.Millisecond, Count: 1})
		errs, longest := r.handleAll(bodies(3)...)
		fatal(t, errors.Join(errs...))
		if longest > 10*time.Millisecond {
			t.Errorf("an event took %s, though no call was running", longest)
		}
		r.wantCalls(2)
	})
}

func TestBatchStaysWithinSizeLimit(t *testing.T) {
	withRelay(t, standard, func(r *testRelay) {
		r.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 15 * time.Millisecond, Count: 1})
		var all []string
		for i := range 7 {
			all = append(all, strings.TrimSuffix(event(fmt.Sprint(i)), "}")+`,"padding":"`+strings.Repeat("x", 300<<10)+`"}`)
		}
		errs, _ := r.handleAll(all...)
		fatal(t, errors.Join(errs...))
		r.wantReceived(all...)
		r.wantCalls(3)
	})
}

func TestRefusedEntryDoesNotDelayOthers(t *testing.T) {
	withRelay(t, standard, func(r *testRelay) {
		r.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 5 * time.Millisecond, Count: 1})
		r.srv.Inject(sqslocal.Fault{Action: sendAction, FailEntries: 1, Code: "InvalidMessageContents"})
		errs, _ := r.handleAll(bodies(4)...) // the first alone, then the others
		if errs[0] != nil || !events.IsPermanent(errs[1]) || errs[2] != nil || errs[3] != nil {
			t.Errorf("errors %v", errs)
		}
		r.wantReceived(slices.Delete(bodies(4), 1, 2)...)
	})
}

func TestFailedEntriesAreSentAgain(t *testing.T) {
	withRelay(t, standard, func(r *testRelay) {
		r.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 5 * time.Millisecond, Count: 1})
		r.srv.Inject(sqslocal.Fault{Action: sendAction, FailEntries: 2, Count: 4})
		errs, _ := r.handleAll(bodies(11)...)
		fatal(t, errors.Join(errs...))
		r.wantReceived(bodies(11)...)
	})
}

func TestRelayRetriesDuringShortOutage(t *testing.T) {
	for name, fault := range map[string]sqslocal.Fault{
		"unavailable": {Status: 503}, "throttling": {Code: "RequestThrottled"}, "dropping": {DropBefore: true}, "hanging": {Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			withRelay(t, standard, func(r *testRelay) {
				fault.Action = sendAction
				restore := r.srv.Inject(fault)
				time.AfterFunc(2*time.Second, restore)
				errs, longest := r.handleAll(bodies(12)...)
				fatal(t, errors.Join(errs...))
				if longest > 4*time.Second {
					t.Errorf("an event took %s", longest)
				}
				r.wantReceived(bodies(12)...)
				if lines := r.logs.FilterMessage("SQS call failing, will go on trying").Len(); lines != 1 {
					t.Errorf("%d lines about the outage", lines)
				}
			})
		})
	}
}

func TestConcurrentCallsAreLimited(t *testing.T) {
	withRelay(t, standard, func(r *testRelay) {
		r.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: time.Second})
		var handling sync.WaitGroup
		for _, body := range bodies(1000) {
			handling.Go(func() { fatal(t, r.handle(body)) })
		}
		time.Sleep(500 * time.Millisecond)
		r.wantCalls(32)
		handling.Wait()
		r.wantReceived(bodies(1000)...)
	})
}

// A FIFO queue gets one call at a time, so under load that call must carry a full
// batch.
func TestFIFOBatchFillsDuringCall(t *testing.T) {
	withRelay(t, fifo, func(r *testRelay) {
		r.srv.Inject(sqslocal.Fault{Action: sendAction, Delay: 100 * time.Millisecond})
		var handling sync.WaitGroup
		for _, body := range bodies(400) { // 80 per second; full batches carry 100
			handling.Go(func() { fatal(t, r.handle(body)) })
			time.Sleep(time.Second / 80)
		}
		handling.Wait()
		r.wantReceived(bodies(400)...)
	})
}

func TestRefusedEventDoesNotBlockFIFOQueue(t *testing.T) {
	withRelay(t, fifo, func(r *testRelay) {
		r.srv.Inject(sqslocal.Fault{Action: sendAction, FailEntries: 1, Status: 400, Code: "InvalidParameterValue", Count: 1})
		if err := r.handle(event("1")); !events.IsPermanent(err) {
			t.Errorf("error %v is not permanent", err)
		}
		fatal(t, r.handle(event("2")))
	})
}
