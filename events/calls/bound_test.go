package calls_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// checkBounds reports every text of a record that is too long.
func checkBounds(t *testing.T, record any, path string, most int) {
	t.Helper()
	v := reflect.ValueOf(record)
	for i := range v.NumField() {
		name := path + "." + v.Type().Field(i).Name
		switch field := v.Field(i); field.Kind() {
		case reflect.String:
			if s := field.String(); len(s) > most || !utf8.ValidString(s) {
				t.Errorf("%s has %d bytes, valid %t", name, len(s), utf8.ValidString(s))
			}
		case reflect.Slice, reflect.Map:
			t.Errorf("%s is a list, which needs a bound", name)
		case reflect.Struct:
			if field.Type().PkgPath() != "time" {
				checkBounds(t, field.Interface(), name, most)
			}
		}
	}
}

func TestEveryTextOfARecordIsBounded(t *testing.T) {
	long := strings.Repeat("é", 1001)
	party := fmt.Sprintf(`{"type":%[1]q,"phone":%[1]q,"name":%[1]q,"company":%[1]q,"email":%[1]q,"userExtension":%[1]q,"groupName":%[1]q}`, long)
	for _, eventType := range []string{events.CallUpdate, events.CallLiveProgress, events.CallCompleted} {
		e := decodeEvent(t, fmt.Sprintf(`{"id":%[1]q,"company":%[1]q,"pbx":%[1]q,"type":%[3]q,"time":1693389850810,"data":{"status":%[1]q,
			"caller":%[2]s,"callee":%[2]s,"destination":%[1]q,"queueName":%[1]q,"trunkName":%[1]q,"direction":%[1]q,"endCause":%[1]q,"endCauseStr":%[1]q,"endBy":%[1]q,
			"flows":[{"caller":%[2]s,"callee":%[2]s,"destination":%[1]q,"trunkName":%[1]q,"direction":%[1]q}]}}`, long, party, eventType))
		f := factsOf(t, e)
		r := f.Record()
		if !strings.HasPrefix(r.Caller.Name, "éé") {
			t.Errorf("%s: the name is %q", eventType, r.Caller.Name)
		}
		checkBounds(t, r, eventType, calls.MaxText)
	}
}

// Facts of an earlier version were not bounded.
func TestStoredFactsAreBounded(t *testing.T) {
	long := strings.Repeat("x", 5000)
	var f calls.Facts
	text := fmt.Sprintf(`{"id":"call-1","company":"example","first":1,"last":2,"caller":{"at":1,"rank":1,"is":["REMOTE",%[1]q,%[1]q,"","","","",%[1]q,%[1]q]}}`, long)
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	checkBounds(t, f.Record(), "stored", calls.MaxText)
	if again, err := json.Marshal(f); err != nil || len(again) > 3000 {
		t.Errorf("%d bytes, %v", len(again), err)
	}
}

func TestLongIDsOfCallsStayDistinct(t *testing.T) {
	long := strings.Repeat("x", 5000)
	key := func(id string) calls.Key {
		return factsOf(t, decodeEvent(t, fmt.Sprintf(`{"id":%q,"type":"call:start","time":1693389850810,"data":{}}`, id))).Key()
	}
	if one, other := key(long+"1"), key(long+"2"); one == other || len(one.ID) > calls.MaxText || one != key(long+"1") {
		t.Errorf("keys %v and %v", one, other)
	}
}

func decodeEvent(t *testing.T, body string) *events.Event {
	t.Helper()
	e, err := events.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return e
}
