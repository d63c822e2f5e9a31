package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/events/finish"
)

// finished returns a call as a State keeps it once it has ended.
func finished(t *testing.T, id string, millis int, data string) finish.Call {
	t.Helper()
	facts := factsOf(t, id, millis, events.CallStart, data).Merge(factsOf(t, id, millis+20_000, events.CallEnd, `{}`))
	record := facts.Record()
	return finish.Call{Facts: facts, End: "key", Finished: fmt.Appendf(nil, `{"data":{"queue":null,"direction":%q,"answered":%t,"missed":%t}}`, record.Direction, record.Answered, record.Missed)}
}

const remote = `"caller":{"type":"REMOTE","phone":"+12025550100","name":"Ada \"missed\":true Example"},"callee":{"type":"LOCAL","phone":"201"}`

func TestMissedCallsOfAState(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		if missed, err := db.reader(t).MissedCalls(t.Context(), time.Time{}, 100); err != nil || len(missed) != 0 {
			t.Errorf("without tables: %v, %v", missed, err)
		}
		s := db.state(t)
		for i, c := range []finish.Call{
			finished(t, "missed", 0, `{"status":"RINGING","queueName":"Support",`+remote+`}`),
			finished(t, "answered", 1000, `{"status":"TALKING",`+remote+`}`),
			finished(t, "outbound", 2000, `{"status":"RINGING","caller":{"type":"LOCAL","phone":"201"},"callee":{"type":"REMOTE","phone":"+12025550100"}}`),
			finished(t, "internal", 3000, `{"status":"RINGING","caller":{"type":"LOCAL","phone":"201"},"callee":{"type":"LOCAL","phone":"202"}}`),
			finished(t, "missed too", 4000, `{"status":"RINGING",`+remote+`}`),
			{Facts: factsOf(t, "live", 5000, events.CallStart, `{"status":"RINGING",`+remote+`}`)},
			finished(t, "answered later", 6000, `{"status":"RINGING",`+remote+`}`),
			finished(t, "day before", -86_400_000, `{"status":"RINGING",`+remote+`}`),
		} {
			merge(t, s, c)
			db.exec(t, fmt.Sprintf("UPDATE call_states SET received = %d WHERE id = '%s'", 1693389850+i, c.Facts.ID))
		}
		merge(t, s, finish.Call{Facts: factsOf(t, "answered later", 90_000, events.CallCompleted, `{"flows":[{"callStatus":"COMPLETED","talkTime":5}]}`)})
		since := time.UnixMilli(1693389850000)
		for _, test := range []struct {
			limit int
			want  string
		}{{100, "missed too, missed"}, {1, "missed too"}} {
			missed, err := db.reader(t).MissedCalls(t.Context(), since, test.limit)
			if err != nil {
				t.Fatal(err)
			}
			if got := idsOf(missed); got != test.want {
				t.Errorf("the latest %d: %s", test.limit, got)
			}
			if last := missed[len(missed)-1]; test.limit == 100 && (last.Queue != "Support" || last.Caller.Phone != "+12025550100" || last.Waited() != 20*time.Second) {
				t.Errorf("%+v", last)
			}
		}
	})
}

func idsOf(list []calls.Record) string {
	var ids []string
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return strings.Join(ids, ", ")
}

// However many calls a state has, few of them are read.
func TestMissedCallsOfAStateReadTheIndex(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		if err := db.state(t).Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		values := make([]string, 5000)
		for i := range values {
			values[i] = fmt.Sprintf("('example', '%d', %d, '{}', 'key', NULL)", i, i)
		}
		db.exec(t, "INSERT INTO call_states (company, id, received, facts, end_key, finished) VALUES "+strings.Join(values, ","))
		db.exec(t, "ANALYZE")
		explain := "EXPLAIN "
		if strings.HasPrefix(db.url, "sqlite") {
			explain = "EXPLAIN QUERY PLAN "
		}
		query := strings.NewReplacer("$1", "4990", "?1", "4990").Replace(missedStates(db.reader(t).target.dialect))
		if plan := db.rows(t, explain+query); !strings.Contains(plan, "call_states_received") || strings.Contains(plan, "Seq Scan") {
			t.Errorf("plan\n%s", plan)
		}
	})
}

func TestMissedCallsOfAStore(t *testing.T) {
	onEach(t, func(t *testing.T, db *database) {
		var all []*events.Event
		for i, data := range []string{remote, remote + `,"status":"TALKING"`, `"caller":{"type":"LOCAL"},"callee":{"type":"LOCAL"}`, remote, remote} {
			for _, eventType := range []string{events.CallStart, events.CallEnd} {
				all = append(all, decode(t, fmt.Sprintf(`{"id":"call-%d","company":"example","type":%q,"time":%d,"data":{%s}}`, i, eventType, 1693389850000+i*1000, data)))
			}
		}
		all[2].Type = events.CallUpdate // answered
		handle(t, all, db.open(t))
		for limit, want := range map[int]string{100: "call-4, call-3, call-0", 2: "call-4, call-3"} {
			missed, err := MissedCalls(t.Context(), Config{URL: db.url}, time.UnixMilli(1693389850000), limit)
			if err != nil || idsOf(missed) != want {
				t.Errorf("the latest %d: %s, %v", limit, idsOf(missed), err)
			}
		}
		missed, err := MissedCalls(t.Context(), Config{URL: db.url}, time.UnixMilli(1693389853500), 100)
		if err != nil || idsOf(missed) != "call-4" {
			t.Errorf("of the last half second: %s, %v", idsOf(missed), err)
		}
	})
}
