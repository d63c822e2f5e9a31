package columns_test

import (
	"bytes"
	"strings"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/columns"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events"
)

// printed returns the line of an event, without its time.
func printed(t *testing.T, mask bool, eventType, data string) string {
	t.Helper()
	e, err := events.Decode([]byte(`{"id":"1","type":"` + eventType + `","time":1693389850810,"data":` + data + `}`))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := columns.New(&term.Printer{Out: &out}, mask).HandleEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	line := strings.TrimSuffix(out.String(), "\n")
	return line[len("15:04:05.000  "):]
}

const (
	ada   = `{"type":"REMOTE","phone":"+12025550100","name":"Ada Example","email":"ada@example.com"}`
	sales = `{"type":"LOCAL","phone":"201","name":"Sales"}`
)

func TestEventsAreLinedUp(t *testing.T) {
	for _, test := range []struct{ eventType, data, want string }{
		{events.CallStart, `{"status":"CONNECTING","caller":` + ada + `,"destination":"201"}`,
			"call:start   +12025550100 Ada Example > 201        CONNECTING"},
		{events.CallEnd, `{"status":"RINGING","caller":` + ada + `,"callee":` + sales + `,"endCauseStr":"Normal Clearing"}`,
			"call:end     +12025550100 Ada Example > Sales      Normal Clearing"},
		{events.CallLiveProgress, `{"status":"TALKING","caller":` + ada + `,"callee":` + sales + `}`,
			"call:live:progress  +12025550100 Ada Example > Sa… TALKING"},
		{events.CallFinished, `{"caller":null,"callee":` + sales + `,"missed":true,"duration":71.2}`,
			"call:finished  unknown > Sales                     missed, 1m11s"},
		{events.CallCompleted, `{"flows":[{"caller":` + ada + `,"talkTime":3,"callStatus":"COMPLETED"}]}`,
			"call:completed  +12025550100 Ada Example > unknown answered"},
		{events.PresenceUser, `{"extension":"201","email":"sales@example.com","status":"dnd"}`,
			"presence:user  201 sales@example.com               dnd"},
		{events.SMSStatus, `{"from":"201","to":"+12025550100","status":"DELIVERED"}`,
			"sms:status   201 > +12025550100                    DELIVERED"},
		{"chat:channel:created", `{}`, "chat:channel:created"},
	} {
		if got := printed(t, false, test.eventType, test.data); got != test.want {
			t.Errorf("%s\nprinted %q\nwant    %q", test.eventType, got, test.want)
		}
	}
}

func TestMaskHidesPeople(t *testing.T) {
	for eventType, data := range map[string]string{
		events.CallEnd:      `{"status":"RINGING","caller":` + ada + `,"callee":` + sales + `,"destination":"+12025550100"}`,
		events.CallFinished: `{"caller":` + ada + `,"callee":` + sales + `}`,
		events.PresenceUser: `{"extension":"12345","email":"ada@example.com","status":"dnd","message":"Ada"}`,
		events.SMSStatus:    `{"from":"+12025550100","to":"+12025550101"}`,
	} {
		got := printed(t, true, eventType, data)
		if strings.Contains(got, "2025550") || strings.Contains(got, "123") || strings.Contains(got, "Ada") || strings.Contains(got, "ada@") ||
			strings.Contains(got, "Sales") || !strings.Contains(got, "***") {
			t.Errorf("%s: printed %q", eventType, got)
		}
	}
}

// An event is text from elsewhere: a caller chooses the name that is shown.
func TestEventsSendNoCommandsToTheTerminal(t *testing.T) {
	const hostile = `\u001b]0;owned\u0007\u009b2J\r\n\u202e`
	for _, got := range []string{
		printed(t, false, "call:"+hostile, `{}`),
		printed(t, false, events.CallStart, `{"status":"`+hostile+`","caller":{"phone":"`+hostile+`","name":"`+hostile+`"},"destination":"`+hostile+`"}`),
		printed(t, false, events.CallEnd, `{"endCauseStr":"`+hostile+`","callee":{"name":"`+hostile+`"}}`),
		printed(t, true, events.CallEnd, `{"caller":{"phone":"`+hostile+`"}}`),
		printed(t, false, events.PresenceUser, `{"email":"`+hostile+`","status":"`+hostile+`"}`),
	} {
		if strings.ContainsAny(got, "\x1b\a\u009b\r\n\u202e") {
			t.Errorf("printed %q", got)
		}
	}
}
