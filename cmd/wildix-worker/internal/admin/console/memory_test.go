package console

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

func TestLargeEventsAreNotKept(t *testing.T) {
	c := New(Config{})
	large := strings.Repeat("x", 200_000)
	before := liveHeap()
	for range ringSize {
		c.Observe(result(t, "1", events.CallStart, `{"status":"`+large+`","caller":`+ada+`,"callee":{"name":"`+large+`"}}`, events.Handled, nil))
	}
	if grown := liveHeap() - before; grown > ringSize*10_000 {
		t.Errorf("%d notes take %d bytes", ringSize, grown)
	}
	if n := c.recent.done.records[0].note(); n.caller.name != "Ada Example" || len(n.callee.name) != maxKept {
		t.Errorf("note %+v", n)
	}
}

func TestLargeErrorsAreNotKept(t *testing.T) {
	c := New(Config{})
	before := liveHeap()
	for range ringSize {
		large := strings.Repeat("x", 200_000)
		c.Observe(consumer.Result{Outcome: events.Failed, Err: &events.PanicError{Value: large, Stack: []byte(large)}})
	}
	if grown := liveHeap() - before; grown > ringSize*10_000 {
		t.Errorf("%d notes take %d bytes", ringSize, grown)
	}
	runtime.KeepAlive(c)
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// maxMemory is about how many bytes a console keeps at most, whatever the events are.
// docs/operating.md names it.
const maxMemory = 32 << 20

// hostile returns the result of a message of 1 MiB with an id of 128 KiB. Each text of the
// event is as long as it can be, and shares the memory of all of it. set sets texts of the
// call to one of its texts.
func hostile(number int, eventType string, outcome events.Outcome, set func(*events.Call, events.Text)) consumer.Result {
	whole := fmt.Sprint(number, strings.Repeat(" é", events.MaxSize/3-10))
	text := whole[:128<<10]
	call := &events.Call{}
	set(call, events.Text{Value: text, Valid: true})
	return consumer.Result{
		Outcome: outcome, Err: errors.New(whole), MessageID: text,
		Event: &events.Event{ID: text, Type: eventType, Company: text, PBX: text, IntegrationID: text, Time: time.Now(), Raw: []byte(whole), Data: call},
	}
}

func hostileParty(text events.Text) *events.Participant {
	return &events.Participant{Type: text, Phone: text, Name: text, Company: text, Email: text, UserExtension: text, GroupName: text}
}

// fields sets the texts of a call, one after another: each comes from an event of its own.
var fields = []func(*events.Call, events.Text){
	func(c *events.Call, text events.Text) { c.Status = text },
	func(c *events.Call, text events.Text) { c.Caller = hostileParty(text) },
	func(c *events.Call, text events.Text) { c.Callee = hostileParty(text) },
	func(c *events.Call, text events.Text) { c.Destination = text },
	func(c *events.Call, text events.Text) { c.QueueName = text },
	func(c *events.Call, text events.Text) { c.TrunkName = text },
	func(c *events.Call, text events.Text) { c.EndCause, c.EndCauseStr = text, text },
	func(c *events.Call, text events.Text) { c.EndBy = text },
}

func TestMemoryIsBoundedWhateverTheEventsAre(t *testing.T) {
	// each returns the bytes that one of n takes after fill.
	each := func(n int, c *Console, fill func()) int64 {
		before := liveHeap()
		fill()
		grown := liveHeap() - before
		runtime.KeepAlive(c)
		return grown / int64(n)
	}
	c := New(Config{})
	note := each(2*ringSize, c, func() {
		for i := range 2 * ringSize {
			outcome := []events.Outcome{events.Handled, events.Failed}[i%2]
			r := hostile(i, events.CallUpdate, outcome, func(call *events.Call, text events.Text) {
				call.Caller, call.Callee = hostileParty(text), hostileParty(text)
			})
			c.recent.add(&r)
		}
	})
	const n = 100
	live := each(n, c, func() {
		for i := range n {
			for _, set := range fields {
				c.Observe(hostile(i, events.CallUpdate, events.Handled, set))
			}
		}
	})
	row := each(n, c, func() {
		if f := c.frames.next(1, nil); len(f.Calls.Set) != n {
			t.Fatalf("%d calls are shown", len(f.Calls.Set))
		}
	})
	ended := each(10*n, c, func() {
		for i := range 10 * n {
			c.Observe(hostile(n+i, events.CallEnd, events.Handled, fields[0]))
		}
	})
	// Half of the memory of ended calls is that of the tracker.
	total := 2*ringSize*note + maxCalls*live + maxRows*row + maxUnreadBytes + 2*maxEnded*ended
	t.Logf("bytes: note %d, live call %d, row %d, ended call %d; all %d", note, live, row, ended, total)
	if total > maxMemory {
		t.Errorf("a console takes up to %d bytes, more than %d", total, maxMemory)
	}
}

// The tracker remembers ten times as many ended calls as it keeps live ones.
func TestUsualEventsTakeLittleMemory(t *testing.T) {
	c := New(Config{})
	before := liveHeap()
	for i := range 10 * maxCalls {
		c.Observe(result(t, fmt.Sprint("example_1693380000.", i), events.CallEnd, `{"status":"TALKING","caller":`+ada+`}`, events.Handled, nil))
	}
	for _, r := range callEvents(t, maxCalls) {
		if r.Event.Type != events.CallEnd {
			c.Observe(r)
		}
	}
	grown := liveHeap() - before
	t.Logf("%d live and %d ended calls take %d bytes", maxCalls, 10*maxCalls, grown)
	if grown > 5<<20 {
		t.Errorf("%d live and %d ended calls take %d bytes", maxCalls, 10*maxCalls, grown)
	}
	runtime.KeepAlive(c)
}
