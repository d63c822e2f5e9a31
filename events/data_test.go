package events_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
)

// dataOf decodes an event of that type.
func dataOf(t *testing.T, eventType, data string) any {
	t.Helper()
	return decode(t, fmt.Appendf(nil, `{"id":"1","type":%q,"time":1693389850810,"data":%s}`, eventType, data)).Data
}

func TestEveryFieldOfCallCompleted(t *testing.T) {
	at := func(millis int64) events.Timestamp { return events.Timestamp{Time: time.UnixMilli(millis).UTC()} }
	want := &events.CompletedCall{
		ID: some("it_w118741_1693389850.110"), PBX: some("221100001bab"), Time: at(1693389853611), Company: some("it_w118741"),
		Licenses: []string{"PREMIUM"}, Type: some("call"), EndCause: some("16"),
		Flows: events.Flows{{
			StartTime: at(1693389850810), EndTime: at(1693389853611), Duration: 3, ConnectTime: 1, TalkTime: 2,
			Caller: &events.Participant{Type: some("REMOTE"), Phone: some("+12025550123"), Name: some("Ada Example"), Role: some("CLIENT")},
			Callee: &events.Participant{
				Type: some("LOCAL"), Phone: some("201"), UserExtension: some("201"), Name: some("Sales"), Role: some("AGENT"), License: some("PREMIUM"),
			},
			ServiceNumber: some("300"), Destination: some("201"), Direction: some("INBOUND"), TrunkName: some("Main trunk"),
			TrunkDirection: some("INCOMING"), Tags: []string{"vip"}, RemotePhone: some("+12025550123"), CallStatus: some("COMPLETED"),
		}},
	}
	if got := decode(t, readFile(t, "testdata/call-completed.json")).Data; !reflect.DeepEqual(got, want) {
		t.Errorf("decoded\n%+v\nwant\n%+v", got, want)
	}
}

func TestLiveCallHasTheFieldsOfACall(t *testing.T) {
	for _, eventType := range []string{"call:live:progress", "call:live:completed", "call:live:interrupted", "call:live:transcription"} {
		got := dataOf(t, eventType, `{"id":"call-1","status":"TALKING","direction":"INBOUND","caller":{"phone":"+12025550123","role":"CLIENT","license":"BASIC"},"tags":["vip"]}`)
		want := &events.LiveCall{
			ID: some("call-1"), Direction: some("INBOUND"),
			Call: events.Call{
				Status: some("TALKING"), Tags: []string{"vip"},
				Caller: &events.Participant{Phone: some("+12025550123"), Role: some("CLIENT"), License: some("BASIC")},
			},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: decoded\n%+v\nwant\n%+v", eventType, got, want)
		}
	}
}

func TestCallReturnsTheDataOfCallEvents(t *testing.T) {
	for eventType, want := range map[string]bool{"call:end": true, "call:live:progress": true, "call:completed": false, "fax:sent": false} {
		e := &events.Event{Type: eventType, Data: dataOf(t, eventType, `{"status":"TALKING"}`)}
		if call := e.Call(); (call != nil) != want || want && call.Status != some("TALKING") {
			t.Errorf("%s: %+v", eventType, call)
		}
	}
}

func TestEveryFieldOfPresenceAndSMS(t *testing.T) {
	for _, eventType := range []string{"presence:user", "presence:telephony", "presence:conference"} {
		got := dataOf(t, eventType, `{"extension":"201","email":"ada@example.com","status":"dnd","until":null,"message":"lunch","location":"Exampletown"}`)
		want := &events.Presence{Extension: some("201"), Email: some("ada@example.com"), Status: some("dnd"), Message: some("lunch"), Location: some("Exampletown")}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: decoded %+v", eventType, got)
		}
	}
	got := dataOf(t, "sms:status", `{"from":"+12025550100","to":"+12025550101","status":"delivered","reason":null,"id":"sms-1","channel":"c","parts":2}`)
	want := &events.SMS{From: some("+12025550100"), To: some("+12025550101"), Status: some("delivered"), ID: some("sms-1"), Channel: some("c"), Parts: some("2")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded %+v", got)
	}
}

func TestEveryFieldOfCallFinished(t *testing.T) {
	got := dataOf(t, events.CallFinished, `{"caller":{"phone":"+12025550100"},"callee":null,"direction":"inbound","destination":"201","queue":"Support",
		"trunk":"Main trunk","started":1693389850810,"answeredAt":null,"ended":1693389862310,"duration":11.5,"waited":11.5,"answered":false,"missed":true,
		"endCause":"16","endCauseStr":"Normal Clearing","endBy":"CALLER"}`)
	at := func(millis int64) events.Timestamp { return events.Timestamp{Time: time.UnixMilli(millis).UTC()} }
	want := &events.FinishedCall{
		Caller: &events.Participant{Phone: some("+12025550100")}, Direction: some("inbound"), Destination: some("201"), Queue: some("Support"),
		Trunk: some("Main trunk"), Started: at(1693389850810), Ended: at(1693389862310), Duration: 11.5, Waited: 11.5, Missed: true,
		EndCause: some("16"), EndCauseStr: some("Normal Clearing"), EndBy: some("CALLER"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded\n%+v\nwant\n%+v", got, want)
	}
}

func TestDataOfAnotherShapeIsZero(t *testing.T) {
	zero := map[string]any{
		"call:live:progress": &events.LiveCall{}, "call:completed": &events.CompletedCall{},
		"presence:telephony": &events.Presence{}, "sms:status": &events.SMS{},
	}
	for eventType, want := range zero {
		for _, data := range []string{`null`, `7`, `"text"`, `[{"id":"1"}]`, `{}`, `{"flows":7,"licenses":{},"time":"soon","caller":null,"extension":[],"parts":{}}`} {
			if got := dataOf(t, eventType, data); !reflect.DeepEqual(got, want) {
				t.Errorf("%s of %s: %+v", eventType, data, got)
			}
		}
	}
}

func TestFlowOfAnotherShapeDoesNotLoseTheOthers(t *testing.T) {
	call := dataOf(t, "call:completed", `{"flows":[7,{"talkTime":"2","startTime":12,"direction":"INBOUND"},null,{"talkTime":2}]}`).(*events.CompletedCall)
	want := events.Flows{{}, {Direction: some("INBOUND")}, {}, {TalkTime: 2}}
	if !reflect.DeepEqual(call.Flows, want) {
		t.Errorf("flows %+v", call.Flows)
	}
}

func TestFlowsAreLimited(t *testing.T) {
	call := dataOf(t, "call:completed", `{"flows":[0`+strings.Repeat(",0", 300_000)+`]}`).(*events.CompletedCall)
	if len(call.Flows) != 1000 {
		t.Errorf("%d flows", len(call.Flows))
	}
}

func TestListsAreLimited(t *testing.T) {
	list := `["a"` + strings.Repeat(`,"a"`, 5_999) + `]`
	call := dataOf(t, "call:completed", `{"licenses":`+list+`,"flows":[{"tags":`+list+`},{"tags":["a"]}]}`).(*events.CompletedCall)
	if licenses, tags, more := len(call.Licenses), len(call.Flows[0].Tags), call.Flows[1].Tags; licenses != 6_000 || tags != 4_000 || more == nil || len(more) != 0 {
		t.Errorf("%d licenses, %d tags and %q, want 6000, 4000 and none", licenses, tags, more)
	}
}
