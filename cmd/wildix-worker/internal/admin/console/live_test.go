package console

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// Whenever somebody looks, the live calls are those of a tracker that has read each event at
// once.
func TestLiveCallsAreThoseOfATracker(t *testing.T) {
	types := []string{
		events.CallStart, events.CallUpdate, events.CallUpdate, events.CallUpdate, events.CallEnd,
		events.CallLiveProgress, events.CallLiveCompleted, events.CallCompleted, "fax:sent",
	}
	fields := []string{`"status":"RINGING"`, `"status":"TALKING"`, `"caller":` + ada, `"callee":{"phone":"201"}`, `"queueName":"Support"`, `"direction":"INBOUND"`, `"id":"call-0"`}
	rapid.Check(t, func(rt *rapid.T) {
		l, tracker := newLiveCalls(), &calls.Tracker{MaxText: maxKept}
		now := time.Now().UnixMilli()
		for range rapid.IntRange(0, 60).Draw(rt, "events") {
			data := append(rapid.SliceOfN(rapid.SampledFrom(fields), 0, 3).Draw(rt, "fields"), `"filler":"`+strings.Repeat("x", rapid.SampledFrom([]int{0, 1, maxBody}).Draw(rt, "filler"))+`"`)
			body := fmt.Sprintf(`{"id":"call-%d","company":"example","type":%q,"time":%d,"data":{%s}}`, rapid.IntRange(0, 4).Draw(rt, "call"),
				rapid.SampledFrom(types).Draw(rt, "type"), now-rapid.Int64Range(0, 5000).Draw(rt, "ago"), strings.Join(data, ","))
			e, err := events.Decode([]byte(body))
			if err != nil {
				rt.Fatal(err)
			}
			l.add(e)
			_ = tracker.HandleEvent(t.Context(), e) // of another type
			if !rapid.Bool().Draw(rt, "somebody looks") {
				continue
			}
			if got, want := byID(l.live()), byID(tracker.Live()); !reflect.DeepEqual(got, want) {
				rt.Fatalf("after %s live are\n%+v, want\n%+v", body, got, want)
			}
		}
		if got, want := byID(l.live()), byID(tracker.Live()); !reflect.DeepEqual(got, want) {
			rt.Fatalf("at the end live are\n%+v, want\n%+v", got, want)
		}
	})
}

func byID(records []calls.Record) map[string]calls.Record {
	all := make(map[string]calls.Record)
	for _, r := range records {
		all[r.ID] = r
	}
	return all
}

// callEvent returns an event of a call with a body of that size.
func callEvent(t testing.TB, number int, eventType string, size int) *events.Event {
	t.Helper()
	e := result(t, fmt.Sprint("call-", number), eventType, `{"filler":"`+strings.Repeat("x", size)+`"}`, events.Handled, nil).Event
	e.Raw = slices.Clip(e.Raw)
	return e
}

func TestUnreadBodiesAreBounded(t *testing.T) {
	l := newLiveCalls()
	for i := range 3 * maxCalls {
		l.add(callEvent(t, i%(maxCalls+500), events.CallUpdate, maxBody-200))
		if l.unread > maxUnreadBytes {
			t.Fatalf("%d bytes are unread", l.unread)
		}
	}
	if l.unread < maxUnreadBytes/2 || l.known.Len() != maxCalls {
		t.Errorf("%d bytes of %d calls are unread", l.unread, l.known.Len())
	}
	for i := range maxCalls + 500 {
		l.add(callEvent(t, i, events.CallEnd, 0))
	}
	if n := len(l.live()); l.unread != 0 || l.known.Len() != 0 || n != 0 {
		t.Errorf("when all have ended, %d bytes are unread, %d calls known, %d live", l.unread, l.known.Len(), n)
	}
}

// The tracker may have a call that is no longer known, when there are too many.
func TestForgottenCallEnds(t *testing.T) {
	l := newLiveCalls()
	l.add(callEvent(t, 0, events.CallStart, 0))
	l.live()
	for i := range maxCalls {
		l.add(callEvent(t, 1+i, events.CallStart, 0))
	}
	l.add(callEvent(t, 0, events.CallUpdate, 0))
	l.add(callEvent(t, 0, events.CallEnd, 0))
	for _, r := range l.live() {
		if r.ID == "call-0" {
			t.Error("a call that has ended is live")
		}
	}
}

// Workers observe while pages look.
func TestLiveCallsAreReadWhileEventsArrive(t *testing.T) {
	c := New(Config{})
	var working sync.WaitGroup
	for w := range 4 {
		var results []consumer.Result
		for i := range 200 {
			for _, eventType := range []string{events.CallStart, events.CallUpdate, events.CallEnd} {
				results = append(results, consumer.Result{Outcome: events.Handled, Event: callEvent(t, w*200+i, eventType, 10)})
			}
		}
		working.Go(func() {
			for _, r := range results {
				c.Observe(r)
			}
		})
	}
	stopped := make(chan struct{})
	go func() { working.Wait(); close(stopped) }()
	for {
		c.frames.next(1, nil)
		select {
		case <-stopped:
			if f := c.frames.next(1, nil); f.Calls.Total != 0 || f.Totals[events.Handled] != 2400 {
				t.Errorf("%d calls, totals %v", f.Calls.Total, f.Totals)
			}
			return
		default:
		}
	}
}
