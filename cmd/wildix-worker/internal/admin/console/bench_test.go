package console

import (
	"fmt"
	"testing"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// callEvents returns the results of n calls of five events each. All calls start before the
// first one ends.
func callEvents(t testing.TB, n int) (results []consumer.Result) {
	party := `{"type":"LOCAL","phone":"201","name":"Reception","email":"201@example.com","userExtension":"201","groupName":"Default"}`
	for _, step := range []struct{ eventType, status string }{
		{events.CallStart, "CONNECTING"}, {events.CallUpdate, "RINGING"}, {events.CallUpdate, "RINGING"}, {events.CallUpdate, "TALKING"}, {events.CallEnd, "TALKING"},
	} {
		for i := range n {
			data := fmt.Sprintf(`{"status":%q,"caller":%s,"callee":%s,"destination":"201","trunkName":"Main trunk"}`, step.status, ada, party)
			results = append(results, result(t, fmt.Sprint("example_1693389850.", i), step.eventType, data, events.Handled, nil))
		}
	}
	return results
}

// BenchmarkObserve measures the cost of an event without watchers.
func BenchmarkObserve(b *testing.B) {
	results := callEvents(b, 200)
	c := New(Config{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(results) == 0 {
			c.calls = newLiveCalls()
		}
		c.Observe(results[i%len(results)])
	}
}

// BenchmarkSecond measures one second of 1,000 events with a watcher. 200 calls start, change
// and end while 1,000 others are live.
func BenchmarkSecond(b *testing.B) {
	c := New(Config{})
	for _, r := range callEvents(b, 1000)[:1000] {
		r.Event.ID = "long " + r.Event.ID
		c.Observe(r)
	}
	if err := c.pub.addWatcher(); err != nil {
		b.Fatal(err)
	}
	defer c.pub.removeWatcher()
	results := callEvents(b, 200)
	seen := uint64(0)
	b.ReportAllocs()
	for round := 0; b.Loop(); round++ {
		for i, r := range results {
			// The calls of the previous second end.
			e := *r.Event
			e.ID = fmt.Sprint(e.ID, "-", round-i/800)
			r.Event = &e
			c.Observe(r)
		}
		c.publishFrame(b.Context())
		var err error
		if _, seen, _, err = c.pub.next(seen); err != nil {
			b.Fatal(err)
		}
	}
}
