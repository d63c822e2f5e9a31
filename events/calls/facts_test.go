package calls_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// callEvents generates events of one call: many in the same millisecond, some of which
// contradict each other.
func callEvents(t *rapid.T) []*events.Event {
	return rapid.SliceOfN(rapid.Custom(callEvent), 1, 8).Draw(t, "events")
}

func callEvent(t *rapid.T) *events.Event {
	draw := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	party := func(name string) string {
		return draw(name, `null`, `null`, `{}`, `{"type":"REMOTE","phone":"+12025550100","name":"Ada Example"}`,
			`{"type":"LOCAL","phone":"201","userExtension":"201"}`, `{"type":"LOCAL","phone":"202","name":"Sales"}`)
	}
	flow := func() string {
		return fmt.Sprintf(`{"flowIndex":%s,"startTime":%s,"endTime":%s,"talkTime":%s,"caller":%s,"callee":%s,"direction":%s,"callStatus":%s,"trunkName":%s}`,
			draw("flow", `0`, `1`, `2`), draw("from", `null`, `1693389850700`, `1693389850800`), draw("to", `null`, `1693389850900`), draw("talked", `0`, `2`),
			party("caller"), party("callee"), draw("direction", `null`, `"INBOUND"`, `"OUTBOUND"`), draw("callStatus", `null`, `"MISSED"`, `"COMPLETED"`, `"ODD"`),
			draw("trunk", `null`, `"Trunk"`))
	}
	eventType := draw("type", events.CallStart, events.CallUpdate, events.CallUpdate, events.CallEnd, events.CallLiveProgress,
		events.CallLiveCompleted, events.CallLiveInterrupted, events.CallLiveTranscription, events.CallCompleted)
	body := fmt.Sprintf(`{"id":"call-1","company":"example","pbx":%s,"type":%q,"time":%d,"data":{"status":%s,"caller":%s,"callee":%s,
		"destination":%s,"trunkName":%s,"queueName":%s,"endCause":%s,"endCauseStr":%s,"endBy":%s,"direction":%s,"flows":[%s,%s]}}`,
		draw("pbx", `null`, `"p1"`, `"p2"`), eventType, rapid.Int64Range(1693389850810, 1693389850813).Draw(t, "time"),
		draw("status", `null`, `"CONNECTING"`, `"RINGING"`, `"TALKING"`), party("caller"), party("callee"), draw("destination", `null`, `"201"`, `"300"`),
		draw("trunk", `null`, `""`, `"Trunk"`), draw("queue", `null`, `"Sales"`, `"Support"`), draw("cause", `null`, `"16"`, `"19"`),
		draw("causeStr", `null`, `"No Answer"`), draw("by", `null`, `"CALLER"`, `"CALLEE"`), draw("direction", `null`, `"INTERNAL"`, `"INBOUND"`), flow(), flow())
	e, err := events.Decode([]byte(body))
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return e
}

func factsOf(t interface{ Fatalf(string, ...any) }, e *events.Event) calls.Facts {
	f, ok := calls.FactsOf(e)
	if !ok {
		t.Fatalf("no facts of a %s", e.Type)
	}
	return f
}

// inOrder merges the facts of events one after another.
func inOrder(t interface{ Fatalf(string, ...any) }, all []*events.Event) (f calls.Facts) {
	for _, e := range all {
		f = f.Merge(factsOf(t, e))
	}
	return f
}

// inGroups merges the facts of events in groups of groups, some of them stored as JSON
// in between, as several workers with a database would.
func inGroups(t *rapid.T, all []*events.Event) calls.Facts {
	var f calls.Facts
	if len(all) <= 1 {
		f = inOrder(t, all)
	} else {
		at := rapid.IntRange(1, len(all)-1).Draw(t, "split")
		f = inGroups(t, all[:at]).Merge(inGroups(t, all[at:]))
	}
	if rapid.Bool().Draw(t, "kept") {
		return stored(t, f)
	}
	return f
}

// stored returns the facts after they were stored as JSON.
func stored(t *rapid.T, f calls.Facts) (again calls.Facts) {
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	return again
}

func TestOrderAndRepetitionDoNotChangeTheFacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := callEvents(t)
		want := inOrder(t, all)

		again := slices.Concat(all, rapid.SliceOf(rapid.SampledFrom(all)).Draw(t, "repeated"))
		got := inGroups(t, rapid.Permutation(again).Draw(t, "shuffled"))
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("facts\n%+v\nwant\n%+v", got, want)
		}
		if got.Record() != want.Record() {
			t.Fatalf("record\n%+v\nwant\n%+v", got.Record(), want.Record())
		}
	})
}

func TestMergeIsIdempotentCommutativeAndAssociative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := inOrder(t, callEvents(t)), inOrder(t, callEvents(t)), inOrder(t, callEvents(t))
		equal := func(law string, x, y calls.Facts) {
			if !reflect.DeepEqual(x, y) {
				t.Fatalf("%s:\n%+v\n%+v", law, x, y)
			}
		}
		equal("idempotent", a.Merge(a), a)
		equal("commutative", a.Merge(b), b.Merge(a))
		equal("associative", a.Merge(b).Merge(c), a.Merge(b.Merge(c)))
		equal("absorbs", a.Merge(b).Merge(a), a.Merge(b))
		equal("of no event", a.Merge(calls.Facts{}), a)
		equal("of no event, first", calls.Facts{}.Merge(a), a)
	})
}

func TestEndedCallStaysEnded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := inOrder(t, callEvents(t))
		if more := f.Merge(inOrder(t, callEvents(t))); f.HasEnded() && !more.HasEnded() {
			t.Fatalf("ended before\n%+v\nbut not after\n%+v", f, more)
		}
	})
}

const begin = 1693389850000

// at returns an event of that many milliseconds after the beginning of the call.
func at(t testing.TB, millis int, eventType, data string) *events.Event {
	t.Helper()
	e, err := events.Decode(fmt.Appendf(nil, `{"id":"call-1","company":"example","pbx":"p1","type":%q,"time":%d,"data":%s}`, eventType, begin+millis, data))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const (
	ada   = `{"type":"REMOTE","phone":"+12025550100","name":"Ada Example","company":"Example Ltd"}`
	sales = `{"type":"LOCAL","phone":"201","userExtension":"201","name":"Sales","email":"sales@example.com","groupName":"Staff"}`
)

func after(millis int) time.Time { return time.UnixMilli(int64(begin + millis)).UTC() }

func TestRecordOfAnAnsweredCall(t *testing.T) {
	f := inOrder(t, []*events.Event{
		at(t, 0, events.CallStart, `{"status":"CONNECTING","caller":`+ada+`,"destination":"300","trunkName":"Main trunk"}`),
		at(t, 1000, events.CallUpdate, `{"status":"RINGING","caller":`+ada+`,"callee":`+sales+`,"destination":"201","queueName":"Sales queue"}`),
		at(t, 4000, events.CallUpdate, `{"status":"TALKING","caller":`+ada+`,"callee":`+sales+`}`),
		at(t, 9000, events.CallEnd, `{"status":"TALKING","caller":`+ada+`,"callee":`+sales+`,"endCause":"16","endCauseStr":"Normal Clearing","endBy":"CALLEE"}`),
	})
	want := calls.Record{
		ID: "call-1", Company: "example", PBX: "p1",
		Start: after(0), AnsweredAt: after(4000), End: after(9000), Last: after(9000),
		Caller:    calls.Party{Type: "REMOTE", Phone: "+12025550100", Name: "Ada Example", Company: "Example Ltd"},
		Callee:    calls.Party{Type: "LOCAL", Phone: "201", Name: "Sales", Email: "sales@example.com", Extension: "201", Group: "Staff"},
		Direction: calls.Inbound, Destination: "201", Queue: "Sales queue", Trunk: "Main trunk", Status: "TALKING",
		EndCause: "16", EndCauseStr: "Normal Clearing", EndBy: "CALLEE", Answered: true,
	}
	r := f.Record()
	if r != want {
		t.Errorf("record\n%+v\nwant\n%+v", r, want)
	}
	if r.Duration() != 9*time.Second || r.Waited() != 4*time.Second {
		t.Errorf("took %s, waited %s", r.Duration(), r.Waited())
	}
}

func TestAnsweredAndMissed(t *testing.T) {
	start := at(t, 0, events.CallStart, `{"status":"CONNECTING","caller":`+ada+`}`)
	ringing := at(t, 100, events.CallUpdate, `{"status":"RINGING"}`)
	talking := at(t, 200, events.CallUpdate, `{"status":"TALKING"}`)
	end := func(status, cause string) *events.Event {
		return at(t, 300, events.CallEnd, fmt.Sprintf(`{"status":%q,"endCause":%q}`, status, cause))
	}
	completed := func(flows string) *events.Event { return at(t, 400, events.CallCompleted, `{"flows":[`+flows+`]}`) }
	out := at(t, 0, events.CallStart, `{"status":"CONNECTING","caller":`+sales+`,"trunkName":"Main trunk"}`)
	tests := []struct {
		name             string
		events           []*events.Event
		answered, missed bool
	}{
		{"rings", []*events.Event{start, ringing}, false, false},
		{"talks", []*events.Event{start, ringing, talking}, true, false},
		{"talked", []*events.Event{start, talking, end("TALKING", "16")}, true, false},
		{"only the end has the status TALKING", []*events.Event{start, end("TALKING", "16")}, true, false},
		{"only an event before the end has the status TALKING", []*events.Event{talking, end("CONNECTING", "16")}, true, false},
		{"caller hung up", []*events.Event{start, ringing, end("RINGING", "16")}, false, true},
		{"no answer", []*events.Event{start, end("RINGING", "19")}, false, true},
		{"rejected", []*events.Event{start, end("CONNECTING", "21")}, false, true},
		{"only the end came", []*events.Event{end("RINGING", "19")}, false, true},
		{"outbound, not answered", []*events.Event{out, end("RINGING", "19")}, false, false},
		{"interrupted", []*events.Event{start, at(t, 300, events.CallLiveInterrupted, `{"status":"RINGING"}`)}, false, true},
		{"completed, live", []*events.Event{at(t, 300, events.CallLiveCompleted, `{"direction":"INBOUND","flows":[{"talkTime":3}]}`)}, true, false},
		{"completed with call status", []*events.Event{completed(`{"callStatus":"COMPLETED"}`)}, true, false},
		{"completed by talk time", []*events.Event{completed(`{"talkTime":3}`)}, true, false},
		{"missed by one, answered by another", []*events.Event{completed(`{"callStatus":"MISSED"},{"callStatus":"COMPLETED"}`)}, true, false},
		{"completed overrides TALKING", []*events.Event{start, talking, completed(`{"callStatus":"MISSED","talkTime":9}`)}, false, true},
		{"completed without a known status", []*events.Event{start, talking, completed(`{"callStatus":"ODD"}`)}, true, false},
		{"completed, missed", []*events.Event{start, completed(`{"callStatus":"MISSED"}`)}, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := inOrder(t, test.events).Record()
			if r.Answered != test.answered || r.Missed != test.missed {
				t.Errorf("answered %t, missed %t", r.Answered, r.Missed)
			}
		})
	}
}

func TestDirectionOfACall(t *testing.T) {
	for data, want := range map[string]calls.Direction{
		`{"caller":` + ada + `}`: calls.Inbound,
		`{"caller":` + ada + `,"callee":{"type":"REMOTE","phone":"1"}}`:      calls.Inbound,
		`{"caller":` + sales + `,"callee":` + ada + `}`:                      calls.Outbound,
		`{"caller":` + sales + `,"trunkName":"Main trunk"}`:                  calls.Outbound,
		`{"caller":` + sales + `,"callee":` + sales + `,"trunkName":"Loop"}`: calls.Internal,
		`{"caller":` + sales + `}`:                                           "",
		`{}`:                                                                 "",
		`{"caller":` + ada + `,"direction":"OUTBOUND"}`:                      calls.Outbound,
		`{"caller":` + ada + `,"direction":"sideways"}`:                      calls.Inbound,
		`{"flows":[{"flowIndex":1,"direction":"OUTBOUND"},{"flowIndex":0,"direction":"INBOUND"}]}`: calls.Inbound,
	} {
		if got := factsOf(t, at(t, 0, events.CallLiveProgress, data)).Record().Direction; got != want {
			t.Errorf("%s is %q, want %q", data, got, want)
		}
	}
}

func TestRecordOfCallCompleted(t *testing.T) {
	f := factsOf(t, decodeFile(t, "../testdata/call-completed.json"))
	r := f.Record()
	want := calls.Record{
		ID: "it_w118741_1693389850.110", Company: "it_w118741", PBX: "221100001bab",
		Start: after(810), End: after(3611), Last: after(10_000),
		Caller:    calls.Party{Type: "REMOTE", Phone: "+12025550123", Name: "Ada Example"},
		Callee:    calls.Party{Type: "LOCAL", Phone: "201", Name: "Sales", Extension: "201"},
		Direction: calls.Inbound, Destination: "201", Trunk: "Main trunk", EndCause: "16", Answered: true,
	}
	if r != want {
		t.Errorf("record\n%+v\nwant\n%+v", r, want)
	}
}

func TestCalleeIsTheLastThatTalked(t *testing.T) {
	flow := func(index int, phone string, talked int) string {
		return fmt.Sprintf(`{"flowIndex":%d,"callee":{"phone":%q},"talkTime":%d}`, index, phone, talked)
	}
	for flows, want := range map[string]string{
		flow(0, "201", 0) + "," + flow(1, "202", 3) + "," + flow(2, "203", 0): "202",
		flow(1, "202", 3) + "," + flow(0, "201", 3):                           "202",
		flow(0, "201", 0) + "," + flow(1, "202", 0):                           "202",
	} {
		if got := factsOf(t, at(t, 0, events.CallCompleted, `{"flows":[`+flows+`]}`)).Record().Callee.Phone; got != want {
			t.Errorf("%s: %s, want %s", flows, got, want)
		}
	}
}

func TestIDInTheDataTakesPrecedence(t *testing.T) {
	for _, eventType := range []string{events.CallLiveProgress, events.CallCompleted} {
		if f := factsOf(t, at(t, 0, eventType, `{"id":"call-2"}`)); f.ID != "call-2" {
			t.Errorf("%s: id %s", eventType, f.ID)
		}
	}
}

func TestOtherEventTypesHaveNoFacts(t *testing.T) {
	for _, eventType := range []string{"presence:user", "sms:status", "call:transferred", "fax:sent"} {
		if f, ok := calls.FactsOf(at(t, 0, eventType, `{"id":"call-1","status":"TALKING"}`)); ok {
			t.Errorf("%s: %+v", eventType, f)
		}
	}
}

// Assemble a call without a Tracker: store the facts under their key between two events.
func ExampleFacts_Merge() {
	stored := make(map[calls.Key][]byte) // a database
	for _, body := range []string{
		`{"id":"call-1","company":"example","type":"call:end","time":1693389859000,"data":{"status":"TALKING","endBy":"CALLER"}}`,
		`{"id":"call-1","company":"example","type":"call:start","time":1693389850000,"data":{"caller":{"type":"REMOTE","phone":"+12025550100"}}}`,
	} {
		e, err := events.Decode([]byte(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		facts, ok := calls.FactsOf(e)
		if !ok {
			continue // not about a call
		}
		var known calls.Facts
		json.Unmarshal(stored[facts.Key()], &known)
		text, err := json.Marshal(known.Merge(facts))
		if err != nil {
			fmt.Println(err)
			return
		}
		stored[facts.Key()] = text
	}
	for key, text := range stored {
		var facts calls.Facts
		json.Unmarshal(text, &facts)
		call := facts.Record()
		fmt.Println(key.ID, call.Caller.Phone, call.Direction, call.Answered, call.Duration(), call.EndBy)
	}
	// Output: call-1 +12025550100 inbound true 9s CALLER
}

func BenchmarkMerge(b *testing.B) {
	all := []*events.Event{
		at(b, 0, events.CallStart, `{"status":"CONNECTING","caller":`+ada+`,"destination":"300","trunkName":"Main trunk"}`),
		at(b, 4000, events.CallUpdate, `{"status":"TALKING","caller":`+ada+`,"callee":`+sales+`}`),
	}
	b.ReportAllocs()
	for b.Loop() {
		inOrder(b, all)
	}
}

func decodeFile(t *testing.T, name string) *events.Event {
	t.Helper()
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	e, err := events.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
