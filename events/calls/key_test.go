package calls_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// Databases hold facts in this form. A change of it needs a migration.
func TestStoredFormOfFactsDoesNotChange(t *testing.T) {
	facts := inOrder(t, []*events.Event{
		at(t, 0, events.CallStart, `{"status":"CONNECTING","caller":`+ada+`,"destination":"300","trunkName":"Main trunk","queueName":"Sales queue"}`),
		at(t, 4000, events.CallUpdate, `{"status":"TALKING","callee":`+sales+`}`),
		at(t, 9000, events.CallEnd, `{"endCause":"16","endCauseStr":"Normal Clearing","endBy":"CALLEE"}`),
		at(t, 9500, events.CallCompleted, `{"flows":[{"startTime":1693389850001,"endTime":1693389859001,"talkTime":5,"direction":"INBOUND"}]}`),
	})
	const stored = `{"id":"call-1","company":"example","first":1693389850000,"started":1693389850000,"flow_start":1693389850001,` +
		`"talking":1693389854000,"last":1693389859500,"ended":1693389859000,"flow_end":1693389859001,"completed":1693389859500,` +
		`"talked":true,"verdict":2,` +
		`"pbx":{"at":1693389859500,"rank":3,"is":["p1"]},` +
		`"status":{"at":1693389854000,"rank":1,"is":["TALKING"]},` +
		`"caller":{"at":1693389850000,"rank":0,"is":["REMOTE","+12025550100","Ada Example","Example Ltd","","",""]},` +
		`"callee":{"at":1693389854000,"rank":1,"is":["LOCAL","201","Sales","","sales@example.com","201","Staff"]},` +
		`"direction":{"at":1693389859500,"rank":3,"is":["inbound"]},` +
		`"destination":{"at":1693389850000,"rank":0,"is":["300"]},` +
		`"queue":{"at":1693389850000,"rank":0,"is":["Sales queue"]},` +
		`"trunk":{"at":1693389850000,"rank":0,"is":["Main trunk"]},` +
		`"end_cause":{"at":1693389859000,"rank":2,"is":["16","Normal Clearing"]},` +
		`"end_by":{"at":1693389859000,"rank":2,"is":["CALLEE"]}}`
	got, err := json.Marshal(facts)
	if err != nil || string(got) != stored {
		t.Errorf("stored form is\n%s, %v, want\n%s", got, err, stored)
	}
	var read calls.Facts
	if err := json.Unmarshal([]byte(stored), &read); err != nil || read.Record() != facts.Record() {
		t.Errorf("read back as %+v, %v", read.Record(), err)
	}
}

func TestKeysAreOrderedByCompanyThenID(t *testing.T) {
	facts := factsOf(t, at(t, 0, events.CallStart, `{}`))
	record := facts.Record()
	key := calls.Key{Company: "example", ID: "call-1"}
	if facts.Key() != key || record.Key() != key {
		t.Errorf("keys %v and %v, want %v", facts.Key(), record.Key(), key)
	}
	if equal := record.Key(); key.Compare(equal) != 0 {
		t.Errorf("%v is not equal to itself", key)
	}
	for _, greater := range []calls.Key{{Company: "example", ID: "call-2"}, {Company: "other", ID: "call-0"}} {
		if key.Compare(greater) != -1 || greater.Compare(key) != 1 {
			t.Errorf("%v is not before %v", key, greater)
		}
	}
}

func TestKeyOfAnEventIsThatOfItsFacts(t *testing.T) {
	long := strings.Repeat("x", 2*calls.MaxText)
	for _, eventType := range []string{
		events.CallStart, events.CallUpdate, events.CallEnd, events.CallLiveProgress, events.CallLiveCompleted,
		events.CallLiveInterrupted, events.CallCompleted, events.CallFinished, events.PresenceUser, events.SMSStatus, "fax:sent",
	} {
		for _, ids := range [][3]string{{"call-1", "example", ""}, {"call-1", "", "call-2"}, {long, long, ""}, {"call-1", "example", long}} {
			e := decodeEvent(t, fmt.Sprintf(`{"id":%q,"company":%q,"type":%q,"time":1693389850810,"data":{"id":%q,"company":"other"}}`, ids[0], ids[1], eventType, ids[2]))
			facts, wantOK := calls.FactsOf(e)
			key, ends, ok := calls.KeyOf(e)
			if ok != wantOK || ok && (key != facts.Key() || ends != facts.HasEnded()) {
				t.Errorf("%s, %.20q: key %.20q, ends %t, ok %t; facts %.20q, %t, %t", eventType, ids, key, ends, ok, facts.Key(), facts.HasEnded(), wantOK)
			}
		}
	}
}
