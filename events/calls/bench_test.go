package calls_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// largeEvents returns eight events of one call, of 1 MiB each, that fill one text each with
// a character that takes six bytes in JSON.
func largeEvents(t testing.TB) (all []*events.Event) {
	t.Helper()
	for i, field := range []string{
		`"caller":{"name":"%s"}`, `"callee":{"name":"%s"}`, `"destination":"%s"`, `"queueName":"%s"`,
		`"trunkName":"%s"`, `"endCauseStr":"%s"`, `"endBy":"%s"`, `"status":"%s"`,
	} {
		text := strings.Repeat("<", events.MaxSize-300)
		body := fmt.Sprintf(`{"id":"call-1","company":"example","type":%q,"time":%d,"data":{%s}}`, events.CallUpdate, 1693389850810+i, fmt.Sprintf(field, text))
		e, err := events.Decode([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestCallOfLargeEventsIsSmall(t *testing.T) {
	var all calls.Facts
	for _, e := range largeEvents(t) {
		f, ok := calls.FactsOf(e)
		if !ok {
			t.Fatal("no facts")
		}
		all = all.Merge(f)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 60_000 {
		t.Errorf("eight events of 1 MiB make a call of %d bytes", len(text))
	}
}

// BenchmarkLargeCall measures what one more event costs a call that has had eight of 1 MiB:
// its facts are read, merged and written.
func BenchmarkLargeCall(b *testing.B) {
	var all calls.Facts
	large := largeEvents(b)
	for _, e := range large {
		f, _ := calls.FactsOf(e)
		all = all.Merge(f)
	}
	stored, err := json.Marshal(all)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var known calls.Facts
		if err := json.Unmarshal(stored, &known); err != nil {
			b.Fatal(err)
		}
		f, _ := calls.FactsOf(large[0])
		if _, err := json.Marshal(known.Merge(f)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(stored)), "bytes/call")
}
