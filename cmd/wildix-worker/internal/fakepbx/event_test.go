package fakepbx

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

func event(t *testing.T, p *PBX, eventType string) *events.Event {
	t.Helper()
	id, body := p.Event(eventType)
	e, err := events.Decode(body)
	if err != nil {
		t.Fatalf("%s: %v", eventType, err)
	}
	if e.ID != id || e.Type != eventType || e.IntegrationID != p.Integration {
		t.Errorf("%s: the envelope is that of %s %s of %s", eventType, e.Type, e.ID, e.IntegrationID)
	}
	return e
}

func TestEventHasTheDataOfItsType(t *testing.T) {
	for _, eventType := range []string{
		events.CallStart, events.CallUpdate, events.CallEnd,
		events.CallLiveProgress, events.CallLiveCompleted, events.CallLiveInterrupted, events.CallLiveTranscription,
		events.CallCompleted, events.CallFinished,
		events.PresenceUser, events.PresenceTelephony, events.PresenceConference, events.SMSStatus,
	} {
		e := event(t, New(), eventType)
		if reflect.ValueOf(e.Data).Elem().IsZero() {
			t.Errorf("%s has no data: %s", eventType, e.Raw)
		}
		// What the sender does not have for this type, such as a call's status for a user.
		var sent struct{ Data map[string]any }
		if err := json.Unmarshal(e.Raw, &sent); err != nil {
			t.Fatal(err)
		}
		known, err := json.Marshal(e.Data)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(known, &fields); err != nil {
			t.Fatal(err)
		}
		for name, value := range sent.Data {
			if !reflect.DeepEqual(fields[name], value) {
				t.Errorf("%s: data has %s: %v, which its type reads as %v", eventType, name, value, fields[name])
			}
		}
	}
}

func TestEventsAreNotInTheFuture(t *testing.T) {
	for range 50 {
		e := event(t, New(), events.CallFinished)
		ended := e.Data.(*events.FinishedCall).Ended
		if now := time.Now(); e.Time.After(now) || ended.After(now) || ended.IsZero() {
			t.Fatalf("at %s, a call has ended at %s: %s", now, ended, e.Raw)
		}
	}
}

func TestUnknownTypeHasNoCall(t *testing.T) {
	e := event(t, New(), "chat:channel:created")
	if e.PBX != "" || e.Data != nil {
		t.Errorf("made up %s", e.Raw)
	}
}

func TestCallIsGivenUpWithANormalCause(t *testing.T) {
	p := New()
	p.GivenUp = true
	end := event(t, p, events.CallEnd).Call()
	if end.Status.Value != "RINGING" || end.EndCause.Value != "16" || end.EndBy.Value != "CALLER" {
		t.Errorf("the call ends %q with cause %q by %q", end.Status, end.EndCause, end.EndBy)
	}
	for _, eventType := range []string{events.CallLiveCompleted, events.CallCompleted} {
		facts, _ := calls.FactsOf(event(t, p, eventType))
		if record := facts.Record(); !record.Missed || record.Direction != calls.Inbound || record.EndCause != "16" {
			t.Errorf("%s makes the call %+v", eventType, record)
		}
	}
	if finished := event(t, p, events.CallFinished).Data.(*events.FinishedCall); !finished.Missed {
		t.Errorf("the whole call is %+v", finished)
	}
}
