package calls_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// reports collects the finished calls that a tracker reports.
type reports struct {
	mu      sync.Mutex
	records []calls.Record
	err     error // for OnCallFinished to return
}

func (f *reports) finished(_ context.Context, r calls.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records = append(f.records, r)
	return f.err
}

// now returns an event of that call at the present time.
func now(t testing.TB, id, eventType, data string) *events.Event {
	t.Helper()
	e, err := events.Decode(fmt.Appendf(nil, `{"id":%q,"company":"example","type":%q,"time":%d,"data":%s}`, id, eventType, time.Now().UnixMilli(), data))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func deliver(t testing.TB, h events.Handler, all ...*events.Event) {
	t.Helper()
	for _, e := range all {
		if err := h.HandleEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// liveIDs returns the IDs of the live calls, the longest first.
func liveIDs(t *calls.Tracker) string {
	var ids []string
	for _, r := range t.Live() {
		ids = append(ids, r.ID)
	}
	return fmt.Sprint(ids)
}

func TestLiveReturnsTheLiveCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := &calls.Tracker{}
		deliver(t, tracker, now(t, "call-1", events.CallStart, `{"status":"CONNECTING","caller":`+ada+`}`))
		time.Sleep(3 * time.Second)
		deliver(t, tracker, now(t, "call-2", events.CallLiveProgress, `{"status":"RINGING"}`), now(t, "call-1", events.CallUpdate, `{"status":"TALKING","callee":`+sales+`}`))
		time.Sleep(time.Second)
		live := tracker.Live()
		if len(live) != 2 || live[0].ID != "call-1" || live[1].ID != "call-2" {
			t.Fatalf("live %+v", live)
		}
		call := live[0]
		if call.Caller.Name != "Ada Example" || call.Callee.Name != "Sales" || call.Status != "TALKING" || time.Since(call.Start) != 4*time.Second {
			t.Errorf("call %+v", call)
		}
	})
}

func TestFinishedCallIsReportedOnce(t *testing.T) {
	for _, end := range []string{events.CallEnd, events.CallLiveCompleted, events.CallLiveInterrupted, events.CallCompleted} {
		synctest.Test(t, func(t *testing.T) {
			var f reports
			tracker := &calls.Tracker{OnCallFinished: f.finished}
			start := now(t, "call-1", events.CallStart, `{"caller":`+ada+`}`)
			time.Sleep(time.Second)
			ended := now(t, "call-1", end, `{"status":"TALKING"}`)
			deliver(t, tracker, start, ended, ended, start, now(t, "call-1", events.CallCompleted, `{}`), ended)
			if len(f.records) != 1 || f.records[0].Caller.Name != "Ada Example" || f.records[0].Duration() != time.Second {
				t.Errorf("%s: reported %+v", end, f.records)
			}
			if got := tracker.Live(); len(got) != 0 {
				t.Errorf("%s: live %+v", end, got)
			}
		})
	}
}

func TestLateUpdateNeverReopensACall(t *testing.T) {
	// From at once to long after the end was forgotten.
	for _, late := range []time.Duration{0, time.Minute, time.Hour, time.Hour + time.Nanosecond, 2*time.Hour - time.Second, 3 * time.Hour, 300 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			tracker := &calls.Tracker{Expiry: time.Hour}
			update := now(t, "call-1", events.CallUpdate, `{"status":"TALKING"}`)
			deliver(t, tracker, now(t, "call-1", events.CallEnd, `{"status":"TALKING"}`))
			time.Sleep(late)
			deliver(t, tracker, update)
			if got := tracker.Live(); len(got) != 0 {
				t.Errorf("%s after the end: live %+v", late, got)
			}
		})
	}
}

func TestLateUpdateNeverReopensACallOfAPBXWhoseClockIsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := &calls.Tracker{Expiry: time.Hour}
		ahead := func(eventType string) *events.Event {
			e := now(t, "call-1", eventType, `{"status":"TALKING"}`)
			e.Time = e.Time.Add(30 * time.Minute)
			return e
		}
		update, end := ahead(events.CallUpdate), ahead(events.CallEnd)
		deliver(t, tracker, end)
		for range 100 {
			time.Sleep(time.Minute)
			deliver(t, tracker, update)
			if got := tracker.Live(); len(got) != 0 {
				t.Fatalf("live %+v", got)
			}
		}
	})
}

func TestCallWithoutAnEndExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f reports
		tracker := &calls.Tracker{Expiry: time.Hour, OnCallFinished: f.finished}
		deliver(t, tracker, now(t, "call-1", events.CallStart, `{}`), now(t, "call-2", events.CallStart, `{}`))
		time.Sleep(59 * time.Minute)
		deliver(t, tracker, now(t, "call-2", events.CallUpdate, `{"status":"TALKING"}`))
		if got := liveIDs(tracker); got != "[call-1 call-2]" {
			t.Errorf("live %s before the time", got)
		}
		time.Sleep(2 * time.Minute)
		if got := liveIDs(tracker); got != "[call-2]" {
			t.Errorf("live %s", got)
		}
		time.Sleep(time.Hour)
		if got := liveIDs(tracker); got != "[]" || len(f.records) != 0 {
			t.Errorf("live %s, reported %+v", got, f.records)
		}
		// Its end arrives late.
		deliver(t, tracker, now(t, "call-1", events.CallEnd, `{}`))
		if len(f.records) != 1 {
			t.Errorf("reported %+v", f.records)
		}
	})
}

func TestCallsOfABacklogAreReportedComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f reports
		tracker := &calls.Tracker{OnCallFinished: f.finished}
		start := now(t, "call-1", events.CallStart, `{"caller":`+ada+`}`)
		time.Sleep(time.Second)
		end := now(t, "call-1", events.CallEnd, `{}`)
		time.Sleep(100 * time.Hour) // the worker was down
		deliver(t, tracker, start)
		if got := tracker.Live(); len(got) != 0 {
			t.Errorf("live %+v", got)
		}
		deliver(t, tracker, end)
		if len(f.records) != 1 || f.records[0].Caller.Name != "Ada Example" {
			t.Errorf("reported %+v", f.records)
		}
	})
}

func TestErrorOfOnCallFinishedFailsTheEvent(t *testing.T) {
	crmIsDown := errors.New("CRM answered 503")
	f := reports{err: crmIsDown}
	next := 0
	tracker := &calls.Tracker{OnCallFinished: f.finished}
	h := tracker.Track(events.HandlerFunc(func(context.Context, *events.Event) error { next++; return nil }))
	deliver(t, h, at(t, 0, events.CallStart, `{"caller":`+ada+`}`))
	for range 2 {
		if err := h.HandleEvent(t.Context(), at(t, 1000, events.CallEnd, `{}`)); !errors.Is(err, crmIsDown) {
			t.Errorf("got %v", err)
		}
	}
	if got := tracker.Live(); len(got) != 0 {
		t.Errorf("live %+v", got)
	}
	f.err = nil
	deliver(t, h, at(t, 1000, events.CallEnd, `{}`), at(t, 1000, events.CallEnd, `{}`))
	if len(f.records) != 3 || f.records[2].Caller.Name != "Ada Example" {
		t.Errorf("reported %+v", f.records)
	}
	if next != 3 { // the start and the two ends that succeeded
		t.Errorf("next was called %d times", next)
	}
}

func TestPanicInOnCallFinishedFailsTheEvent(t *testing.T) {
	times := 0
	tracker := &calls.Tracker{OnCallFinished: func(context.Context, calls.Record) error {
		if times++; times == 1 {
			panic("boom")
		}
		return nil
	}}
	end := at(t, 0, events.CallEnd, `{}`)
	if outcome, _ := events.Dispatch(t.Context(), tracker, end); outcome != events.Failed {
		t.Errorf("outcome %s", outcome)
	}
	if outcome, err := events.Dispatch(t.Context(), tracker, end); outcome != events.Handled || times != 2 {
		t.Errorf("outcome %s, %v, reported %d times", outcome, err, times)
	}
}

func TestTrackerIgnoresOtherEvents(t *testing.T) {
	tracker := &calls.Tracker{}
	other := at(t, 0, "fax:sent", `{}`)
	if err := tracker.HandleEvent(t.Context(), other); err != events.ErrNoHandler {
		t.Errorf("got %v", err)
	}
	if err := tracker.Track(named("next")).HandleEvent(t.Context(), other); err == nil || err.Error() != "next" {
		t.Errorf("got %v", err)
	}
}

func TestTrackerLimitsItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f reports
		tracker := &calls.Tracker{MaxCalls: 3, OnCallFinished: f.finished}
		for i := range 5 {
			deliver(t, tracker, now(t, fmt.Sprint(i), events.CallStart, `{}`))
			time.Sleep(time.Second)
		}
		deliver(t, tracker, now(t, "2", events.CallUpdate, `{}`), now(t, "5", events.CallStart, `{}`))
		if got := liveIDs(tracker); got != "[2 4 5]" {
			t.Errorf("live %s, want those with the latest events", got)
		}
		// The ends of 30 calls are remembered.
		for i := range 31 {
			deliver(t, tracker, now(t, fmt.Sprint("ended-", i), events.CallEnd, `{}`))
		}
		f.records = nil
		for i := range 31 {
			deliver(t, tracker, now(t, fmt.Sprint("ended-", i), events.CallUpdate, `{}`))
		}
		if got := tracker.Live(); !slices.ContainsFunc(got, func(r calls.Record) bool { return r.ID == "ended-0" }) || len(got) != 3 {
			t.Errorf("live %+v", got)
		}
		if len(f.records) != 0 {
			t.Errorf("reported again: %+v", f.records)
		}
	})
}

func TestCallsOfTwoCompaniesMayHaveTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := &calls.Tracker{}
		other := now(t, "call-1", events.CallStart, `{}`)
		other.Company = "other"
		deliver(t, tracker, now(t, "call-1", events.CallStart, `{}`), other)
		if got := tracker.Live(); len(got) != 2 {
			t.Errorf("live %+v", got)
		}
	})
}

func TestOrderOfEventsDoesNotChangeTheLiveCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := callEvents(t)
		want := inOrder(t, all)
		var f reports
		tracker := &calls.Tracker{OnCallFinished: f.finished, Expiry: 200 * 365 * 24 * time.Hour}
		again := slices.Concat(all, rapid.SliceOf(rapid.SampledFrom(all)).Draw(t, "repeated"))
		for _, e := range rapid.Permutation(again).Draw(t, "shuffled") {
			if err := tracker.HandleEvent(context.Background(), e); err != nil {
				t.Fatal(err)
			}
		}
		live := tracker.Live()
		switch {
		case want.HasEnded() && (len(live) != 0 || len(f.records) != 1):
			t.Fatalf("live %+v, reported %+v", live, f.records)
		case !want.HasEnded() && (len(live) != 1 || live[0] != want.Record() || len(f.records) != 0):
			t.Fatalf("live %+v, want %+v; reported %+v", live, want.Record(), f.records)
		}
	})
}

func TestRepeatedEndIsNotReportedWhileTheFirstIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f reports
		release := make(chan struct{})
		tracker := &calls.Tracker{OnCallFinished: func(ctx context.Context, r calls.Record) error {
			<-release
			return f.finished(ctx, r)
		}}
		end := now(t, "call-1", events.CallEnd, `{}`)
		go tracker.HandleEvent(t.Context(), end)
		synctest.Wait()
		deliver(t, tracker, now(t, "call-1", events.CallEnd, `{}`), now(t, "call-1", events.CallCompleted, `{}`))
		if got := tracker.Live(); len(got) != 0 {
			t.Errorf("live %+v", got)
		}
		close(release)
		synctest.Wait()
		if len(f.records) != 1 {
			t.Errorf("reported %d times", len(f.records))
		}
	})
}

func TestConcurrentEndsAreReportedOnce(t *testing.T) {
	var f reports
	tracker := &calls.Tracker{OnCallFinished: f.finished}
	var all sync.WaitGroup
	for i := range 64 {
		update, end := at(t, 0, events.CallUpdate, `{}`), at(t, i%2, events.CallEnd, `{}`)
		all.Go(func() {
			tracker.HandleEvent(context.Background(), update)
			tracker.HandleEvent(context.Background(), end)
			tracker.Live()
		})
	}
	all.Wait()
	if len(f.records) != 1 {
		t.Errorf("reported %d times", len(f.records))
	}
}

// A program that saves each finished call, and can list the live calls at any time.
func ExampleTracker() {
	tracker := &calls.Tracker{
		OnCallFinished: func(ctx context.Context, call calls.Record) error {
			fmt.Println("finished:", call.Caller.Name, "called", call.Callee.Name, "for", call.Duration(), "missed:", call.Missed)
			return nil
		},
	}
	mux := &events.Mux{}
	mux.Handle("call:*", tracker)

	ctx := context.Background()
	start := time.Now().Add(-time.Minute)
	caller := &events.Participant{Type: events.Text{Value: "REMOTE", Valid: true}, Name: events.Text{Value: "Ada Example", Valid: true}}
	callee := &events.Participant{Type: events.Text{Value: "LOCAL", Valid: true}, Name: events.Text{Value: "Sales", Valid: true}}
	status := events.Text{Value: "RINGING", Valid: true}
	mux.HandleEvent(ctx, &events.Event{ID: "call-1", Type: events.CallStart, Time: start, Data: &events.Call{Status: status, Caller: caller}})
	for _, call := range tracker.Live() {
		fmt.Println("live:", call.Caller.Name, call.Status, time.Since(call.Start).Round(time.Minute))
	}
	mux.HandleEvent(ctx, &events.Event{ID: "call-1", Type: events.CallEnd, Time: start.Add(20 * time.Second), Data: &events.Call{Status: status, Callee: callee}})
	fmt.Println(len(tracker.Live()), "live")
	// Output:
	// live: Ada Example RINGING 1m0s
	// finished: Ada Example called Sales for 20s missed: true
	// 0 live
}

func BenchmarkTracker(b *testing.B) {
	tracker := &calls.Tracker{}
	var body []*events.Event
	for i := range 1000 {
		id := fmt.Sprint("it_w118741_1693389850.", i)
		body = append(body, now(b, id, events.CallStart, `{"caller":`+ada+`}`), now(b, id, events.CallUpdate, `{"status":"TALKING","callee":`+sales+`}`))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		tracker.HandleEvent(context.Background(), body[i%len(body)])
	}
}

func TestLargeEventsTakeLittleMemory(t *testing.T) {
	tracker := &calls.Tracker{}
	const calls = 200
	large := strings.Repeat("é", 100_000)
	before := liveHeap()
	for i := range calls {
		deliver(t, tracker, now(t, fmt.Sprint(i), events.CallStart, `{"status":"RINGING","tags":["`+large+`"],"caller":{"name":"Ada `+large+`","phone":"+12025550100"}}`))
	}
	if grown := liveHeap() - before; grown > calls*10_000 {
		t.Errorf("%d calls take %d bytes", calls, grown)
	}
	live := tracker.Live()
	if len(live) != calls {
		t.Fatalf("%d calls", len(live))
	}
	if c := live[0].Caller; !strings.HasPrefix(c.Name, "Ada éé") || len(c.Name) > 1000 || !utf8.ValidString(c.Name) || c.Phone != "+12025550100" {
		t.Errorf("caller %q", c)
	}
	runtime.KeepAlive(tracker)
}

// A call has texts of several events, each of which may share the memory of its whole event.
func TestCallKeepsNoEventAlive(t *testing.T) {
	tracker := &calls.Tracker{}
	const calls = 200
	filler := strings.Repeat("é", 1500)
	before := liveHeap()
	for i := range calls {
		for _, field := range []string{`"status":"RINGING"`, `"caller":{"name":"Ada"}`, `"callee":{"name":"Bea"}`, `"destination":"201"`, `"queueName":"Sales"`, `"trunkName":"Main"`, `"endCause":"16"`, `"endBy":"caller"`} {
			deliver(t, tracker, now(t, fmt.Sprint("call-", i), events.CallUpdate, `{"tags":["`+filler+`"],`+field+`}`))
		}
	}
	if grown := liveHeap() - before; grown > calls*3000 {
		t.Errorf("%d calls take %d bytes", calls, grown)
	}
	runtime.KeepAlive(tracker)
}

func TestTextsAreCutToMaxText(t *testing.T) {
	const most = 120
	tracker := &calls.Tracker{MaxText: most}
	long := strings.Repeat("é", 5000)
	party := fmt.Sprintf(`{"type":%[1]q,"phone":%[1]q,"name":%[1]q,"company":%[1]q,"email":%[1]q,"userExtension":%[1]q,"groupName":%[1]q}`, long)
	data := fmt.Sprintf(`{"status":%[1]q,"caller":%[2]s,"callee":%[2]s,"destination":%[1]q,"queueName":%[1]q,"trunkName":%[1]q,"endCause":%[1]q,"endCauseStr":%[1]q,"endBy":%[1]q}`, long, party)
	for _, id := range []string{"1", "2"} {
		deliver(t, tracker, now(t, long+id, events.CallStart, data), now(t, long+id, events.CallUpdate, data))
	}
	live := tracker.Live()
	if len(live) != 2 || live[0].ID == live[1].ID {
		t.Fatalf("%d calls, which long ids must tell apart: %q", len(live), liveIDs(tracker))
	}
	for _, r := range live {
		if r.Caller.Name != long[:most] {
			t.Errorf("caller %q", r.Caller.Name)
		}
		checkBounds(t, r, "record", most)
	}
	deliver(t, tracker, now(t, long+"1", events.CallEnd, data))
	if got := tracker.Live(); len(got) != 1 || got[0].ID != live[1].ID {
		t.Errorf("live %q", liveIDs(tracker))
	}
}

func TestEndedCallsTakeLittleMemory(t *testing.T) {
	tracker := &calls.Tracker{}
	const calls = 2000
	before := liveHeap()
	for i := range calls {
		deliver(t, tracker, now(t, fmt.Sprint(i), events.CallEnd, `{"caller":{"name":"Ada `+strings.Repeat("e", 3000)+`"}}`))
	}
	if grown := liveHeap() - before; grown > calls*450 {
		t.Errorf("%d calls that have ended take %d bytes", calls, grown)
	}
	runtime.KeepAlive(tracker)
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// named returns a handler whose error is its name.
func named(name string) events.Handler {
	return events.HandlerFunc(func(context.Context, *events.Event) error { return errors.New(name) })
}
