package routecmd

import (
	"context"
	"errors"
	"strings"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/eventflag"
	"wildix-worker/cmd/wildix-worker/internal/preview"
	"wildix-worker/events"
)

func condition(fits bool, err error) func(*events.Event) (bool, error) {
	return func(*events.Event) (bool, error) { return fits, err }
}

func fails(context.Context, *events.Event) (preview.Preview, error) {
	return preview.Preview{}, errors.New("line 1: no")
}

func ignores(context.Context, *events.Event) (preview.Preview, error) {
	return preview.Preview{}, events.ErrNoHandler
}

func TestReasonIsThatOfTheWorker(t *testing.T) {
	lines := preview.Log(false)
	for _, c := range []struct {
		name, eventType string
		d               destination.Destination
		gets, sends     bool
		reason, failure string
	}{
		{"all types", events.CallEnd, destination.Destination{Preview: lines}, true, true, "", ""},
		{"a prefix", events.CallEnd, destination.Destination{On: []string{"call:*"}, Preview: lines}, true, true, "", ""},
		{"another type", "chat:message", destination.Destination{On: []string{"call:*", "presence:user"}}, false, false, "its on is call:*, presence:user", ""},
		{"a condition", events.CallEnd, destination.Destination{When: condition(true, nil), Preview: lines}, true, true, "", ""},
		{"a false one", events.CallEnd, destination.Destination{When: condition(false, nil), Condition: "a == b"}, false, false, "its when is false: a == b", ""},
		{"a wrong one", events.CallEnd, destination.Destination{When: condition(true, errors.New("no item 0")), Condition: "a"}, false, false, "its when is a", "no item 0"},
		{"a wrong template", events.CallEnd, destination.Destination{Preview: fails}, false, false, "", "line 1: no"},
		{"no output", events.CallEnd, destination.Destination{Preview: ignores}, true, false, "nothing is sent, ", ""},
		{"a whole call", events.CallFinished, destination.Destination{On: []string{events.CallFinished}, Preview: lines}, true, true, "", ""},
		{"a template of whole calls", events.CallFinished, destination.Destination{ReadsCall: true, Preview: lines}, true, true, "", ""},
		{"a whole call by its prefix", events.CallFinished, destination.Destination{On: []string{"call:*"}, Preview: lines}, false, false, "its on is call:*, and only ", ""},
		{"a whole call without on", events.CallFinished, destination.Destination{Preview: lines}, false, false, "it has no on that ", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := decide(t.Context(), c.d, &events.Event{ID: "call-1", Type: c.eventType})
			if r.Gets != c.gets || (r.Sends != nil) != c.sends || !strings.HasPrefix(r.Reason, c.reason) || r.Error != c.failure || c.reason == "" && r.Reason != "" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestWholeCallIsMentionedForEventsOfCalls(t *testing.T) {
	destinations := []destination.Destination{
		{Name: "missed", On: []string{events.CallFinished}}, {Name: "archive", On: []string{"call:*"}, Preview: preview.Log(false)},
	}
	for eventType, want := range map[string]string{
		events.CallStart: "missed", events.CallEnd: "missed", events.CallCompleted: "missed", events.CallFinished: "", "presence:user": "",
	} {
		examples, err := eventflag.Read(t.Context(), eventType)
		if err != nil {
			t.Fatal(err)
		}
		destinations[0].Preview = preview.Log(false)
		if got := strings.Join(test(t.Context(), destinations, examples[0]).Derives, ","); got != want {
			t.Errorf("%s: %q, want %q", eventType, got, want)
		}
	}
}
