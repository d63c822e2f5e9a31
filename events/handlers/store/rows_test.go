package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

func draw(t *rapid.T, name string, values ...string) string {
	return rapid.SampledFrom(values).Draw(t, name)
}

// anyEvent generates an event of one of three calls, or of something else.
func anyEvent(t *rapid.T) *events.Event {
	party := func(name string) string {
		return draw(t, name, `null`, `{}`, `{"type":"REMOTE","phone":"+12025550100","name":"Ada \u0000 Example"}`, `{"type":"LOCAL","phone":"201","name":"Sales"}`)
	}
	body := fmt.Sprintf(`{"id":%q,"company":%q,"type":%q,"time":%d,"pbx":%s,"data":{"status":%s,"caller":%s,"callee":%s,"queueName":%s,"endCause":%s,
		"flows":[{"callStatus":%s,"direction":%s,"startTime":%s}]}}`,
		draw(t, "id", "call-1", "call-2", "call-3"), draw(t, "company", "example", "", "Ä"),
		draw(t, "type", events.CallStart, events.CallUpdate, events.CallUpdate, events.CallEnd, events.CallLiveProgress, events.CallLiveInterrupted, events.CallCompleted, "fax:sent"),
		rapid.Int64Range(1693389850810, 1693389850813).Draw(t, "time"), draw(t, "pbx", `null`, `"p1"`),
		draw(t, "status", `null`, `"RINGING"`, `"TALKING"`), party("caller"), party("callee"), draw(t, "queue", `null`, `"Sales"`, `"Ring\u0000"`),
		draw(t, "cause", `null`, `"16"`, `"19"`), draw(t, "verdict", `null`, `"MISSED"`, `"COMPLETED"`), draw(t, "direction", `null`, `"INBOUND"`, `"OUTBOUND"`),
		draw(t, "from", `null`, `1693389850700`))
	e, err := events.Decode([]byte(body))
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return e
}

func TestRowsDependOnlyOnTheSetOfEvents(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		one, other := db.open(t), db.open(t)
		rapid.Check(t, func(rt *rapid.T) {
			all := rapid.SliceOfN(rapid.Custom(anyEvent), 1, 10).Draw(rt, "events")
			again := slices.Concat(all, rapid.SliceOf(rapid.SampledFrom(all)).Draw(rt, "repeated"))
			again = rapid.Permutation(again).Draw(rt, "shuffled")

			db.empty(t)
			for _, e := range all {
				handle(rt, []*events.Event{e}, one)
			}
			wantEvents, wantCalls := db.dump(t, "events"), db.dump(t, "calls")
			db.empty(t)
			handle(rt, again, one, other)
			if got := db.dump(t, "events"); got != wantEvents {
				rt.Fatalf("events\n%swant\n%s", got, wantEvents)
			}
			if got := db.dump(t, "calls"); got != wantCalls {
				rt.Fatalf("calls\n%swant\n%s", got, wantCalls)
			}
		})
	})
}

func TestColumnsOfACall(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		handle(t, []*events.Event{
			decode(t, `{"id":"call-1","company":"example","pbx":"p1","type":"call:start","time":1693389850000,"data":{"status":"CONNECTING",
				"caller":{"type":"REMOTE","phone":"+12025550100","name":"Ada \u0000Example"}}}`),
			decode(t, `{"id":"call-1","company":"example","type":"call:update","time":1693389854500,"data":{"status":"TALKING","queueName":"Support"}}`),
			decode(t, `{"id":"call-1","company":"example","type":"call:end","time":1693389860000,"data":{"status":"TALKING","endCause":"16"}}`),
		}, db.open(t))
		got := db.dump(t, "calls")
		for _, want := range []string{
			"company=example ", "id=call-1 ", "caller_type=REMOTE ", "caller_phone=+12025550100 ", "caller_name=Ada \ufffdExample ", "callee_phone=<nil> ",
			"direction=inbound ", "queue=Support ", "end_cause=16 ", "duration_ms=10000 ", "waited_ms=4500 ",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in %s", want, got)
			}
		}
		var answered, missed bool
		var started string
		if err := db.QueryRow(`SELECT answered, missed, CAST(started_at AS TEXT) FROM calls`).Scan(&answered, &missed, &started); err != nil {
			t.Fatal(err)
		}
		if !answered || missed || !strings.HasPrefix(strings.Replace(started, " ", "T", 1), "2023-08-30T10:04:10") {
			t.Errorf("answered %t, missed %t, started %s", answered, missed, started)
		}
	})
}

func TestRawIsStoredByteForByte(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		body := "{ \"id\":\"call-\\u0000\\ud800\",\"type\":\"call:start\",\"time\":1693389850810,\n\"data\":{\"caller\":{\"name\":\"\xff\\u0000\"}}, \"more\":\"\u2028\\\\x00\"} "
		e := decode(t, body)
		handle(t, []*events.Event{e}, db.open(t))
		var raw []byte
		var key string
		if err := db.QueryRow("SELECT raw, delivery_key FROM events").Scan(&raw, &key); err != nil {
			t.Fatal(err)
		}
		if string(raw) != body || key != e.DeliveryKey() {
			t.Errorf("raw %q of %s, want %q", raw, key, body)
		}
		if n := db.count(t, "calls"); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestFactsAreStoredAsJSON(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		e := decode(t, `{"id":"call-1","type":"call:start","time":1693389850810,"data":{"caller":{"name":"<\u0000é>"}}}`)
		handle(t, []*events.Event{e}, db.open(t))
		var text []byte
		if err := db.QueryRow("SELECT facts FROM calls").Scan(&text); err != nil {
			t.Fatal(err)
		}
		var got calls.Facts
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if name := got.Record().Caller.Name; name != "<\x00é>" {
			t.Errorf("name %q", name)
		}
	})
}
