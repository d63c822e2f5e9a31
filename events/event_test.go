package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"wildix-worker/events"
)

func some(s string) events.Text { return events.Text{Value: s, Valid: true} }

var null events.Text

func TestEveryFieldOfCallStart(t *testing.T) {
	body := readFile(t, "testdata/call-start.json")
	want := &events.Event{
		ID:            "it_w118741_1693389850.110",
		Type:          events.CallStart,
		PBX:           "221100001bab",
		Company:       "it_w118741",
		IntegrationID: "8qkmnq",
		Time:          time.Date(2023, 8, 30, 10, 4, 10, 810_000_000, time.UTC),
		Raw:           body,
		Data: &events.Call{
			Status: some("CONNECTING"),
			Caller: &events.Participant{
				Type: some("LOCAL"), Phone: some("1001"), Name: some("Ada Example"), Email: some("ada@example.com"),
				UserID: some("1257510555"), UserExtension: some("1001"), GroupID: some("62177694"), GroupName: some("Admin"),
				UserAgent: some("Softphone 4.0.1"), UserDevice: some("COLLABORATION_WEB"),
			},
			Destination: some("10020"),
			Tags:        []string{},
			Flags:       []string{},
		},
	}
	if got := decode(t, body); !reflect.DeepEqual(got, want) {
		t.Errorf("decoded\n%+v\nwant\n%+v", got, want)
	}
}

func TestEveryFieldOfCallEnd(t *testing.T) {
	got := decode(t, readFile(t, "testdata/call-end.json")).Data
	want := &events.Call{
		Status: some("CONNECTING"),
		Caller: &events.Participant{Type: some("REMOTE"), Phone: some("+15555550123"), Name: some(""), Company: some("Example Ltd")},
		Callee: &events.Participant{
			Type: some("LOCAL"), Phone: some("10020"), Name: some(`Björn "Bo" Exämple ☎`), Email: some("bo@example.com"),
			UserID: some("5753746"), UserExtension: some("10020"), UserDepartment: some("Sales"), GroupID: some("874629312"),
			GroupName: some("Default"), UserAgent: some("Desk phone 2.1"), UserDevice: some("DESKPHONE"),
		},
		Service: some("ivr"), Destination: some("10020"), TrunkName: some("Main trunk"), QueueName: some("Support"), QueueID: some("42"),
		Tags: []string{"vip", "callback"}, Flags: []string{"recorded"},
		EndCause: some("21"), EndCauseStr: some("Call Rejected"), EndBy: some("CALLER"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded\n%+v\nwant\n%+v", got, want)
	}
}

func TestNullDiffersFromEmpty(t *testing.T) {
	call := decodeCall(t, `{"caller":{"phone":null,"name":""},"tags":null,"flags":[]}`)
	if call.Caller.Phone != null || call.Caller.Name != some("") || call.Caller.Email != null {
		t.Errorf("caller %+v", call.Caller)
	}
	if call.Tags != nil || call.Flags == nil || len(call.Flags) != 0 {
		t.Errorf("tags %#v, flags %#v", call.Tags, call.Flags)
	}
	if call.Callee != nil {
		t.Errorf("callee %+v of no callee", call.Callee)
	}
}

func TestDecodeRequiresIDTypeTimeAndAtMostOneIntegration(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"nothing", ``, "not JSON"},
		{"not JSON", `call started`, "not JSON at byte 1"},
		{"cut off", `{"id":"1","type":"call:start","time":1693389850810`, "not JSON"},
		{"more after the end", `{"id":"1","type":"t","time":1693389850810}}`, "not JSON"},
		{"null", `null`, "no id"},
		{"array", `[]`, "no id"},
		{"string", `"id"`, "no id"},
		{"no id", `{"type":"t","time":1693389850810}`, "no id"},
		{"empty id", `{"id":"","type":"t","time":1693389850810}`, "no id"},
		{"null id", `{"id":null,"type":"t","time":1693389850810}`, "no id"},
		{"id no string", `{"id":7,"type":"t","time":1693389850810}`, "no id"},
		{"no type", `{"id":"1","time":1693389850810}`, "no type"},
		{"no time", `{"id":"1","type":"t"}`, "no time"},
		{"integration no string", `{"id":"1","type":"t","time":1693389850810,"integrationId":["b"]}`, "integrationId"},
		{"two integrations", `{"id":"1","type":"t","time":1693389850810,"integrationId":"b","IntegrationID":"a"}`, "integrationId"},
		{"time null", `{"id":"1","type":"t","time":null}`, "no time"},
		{"time in seconds", `{"id":"1","type":"t","time":1693389850}`, "time is not between"},
		{"time as text", `{"id":"1","type":"t","time":"yesterday"}`, "time is not between"},
		{"time negative", `{"id":"1","type":"t","time":-1693389850810}`, "time is not between"},
		{"time in microseconds", `{"id":"1","type":"t","time":1693389850810000}`, "time is not between"},
		{"time beyond any number", `{"id":"1","type":"t","time":1e999}`, "time is not between"},
		{"time beyond int64", `{"id":"1","type":"t","time":1e300}`, "time is not between"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := events.Decode([]byte(test.body))
			if !errors.Is(err, events.ErrMalformed) || !strings.Contains(fmt.Sprint(err), test.want) {
				t.Errorf("got %+v, %v; want an error with %q", e, err, test.want)
			}
		})
	}
}

func TestDecodeAcceptsUnknownNullAndMisshapenFields(t *testing.T) {
	envelope := `{"id":"1","type":"call:start","time":1693389850810%s}`
	for _, rest := range []string{
		``,
		`,"data":null`,
		`,"data":7`,
		`,"data":[{"status":"CONNECTING"}]`,
		`,"pbx":null,"company":null,"integrationId":null`,
		`,"pbx":17,"company":{}`,
		`,"new":{"nested":[1,2,{"deep":null}]}`,
		`,"data":{"status":"NEVER_HEARD_OF","caller":"1001","tags":"vip","flags":[1,null,{}],"endBy":{"who":"CALLER"}}`,
		`,"data":{"caller":{"phone":null,"name":[],"email":7}}`,
		`,"time":1693389850810.5`,
		`,"time":1.69338985081e12`,
	} {
		e, err := events.Decode(fmt.Appendf(nil, envelope, rest))
		if err != nil {
			t.Errorf("%s: %v", rest, err)
			continue
		}
		if _, ok := e.Data.(*events.Call); !ok {
			t.Errorf("%s: data is %T", rest, e.Data)
		}
		if e.Time.Year() != 2023 {
			t.Errorf("%s: time %v", rest, e.Time)
		}
	}
}

func TestFieldOfAnotherTypeDoesNotLoseTheOthers(t *testing.T) {
	call := decodeCall(t, `{"status":{"code":1},"caller":{"phone":1001,"name":true,"userId":null},"tags":"vip","destination":"10020"}`)
	if call.Status != null || call.Caller.Phone != some("1001") || call.Caller.Name != some("true") || call.Destination != some("10020") {
		t.Errorf("decoded %+v, caller %+v", call, call.Caller)
	}
}

func TestUnknownTypesAreValid(t *testing.T) {
	e := decode(t, []byte(`{"id":"1","type":"fax:received","time":1693389850810,"data":{"pages":3}}`))
	if e.Type != "fax:received" || e.Data != nil {
		t.Errorf("decoded %+v", e)
	}
	if !json.Valid(e.Raw) {
		t.Error("the raw body is gone")
	}
}

func TestHostileBodiesCostLittle(t *testing.T) {
	const depth = 300_000
	pad := func(body string) string { return body + strings.Repeat(" ", events.MaxSize-len(body)) }
	tests := []struct {
		name, body string
		ok         bool
	}{
		{"nested arrays", strings.Repeat("[", depth), false},
		{"nested objects", strings.Repeat(`{"a":`, depth/2), false},
		{"nested in a field", `{"id":"1","type":"call:start","time":1693389850810,"data":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`, false},
		{"nested within bounds", `{"id":"1","type":"call:start","time":1693389850810,"data":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, true},
		{"huge number", `{"id":"1","type":"t","time":1693389850810,"n":` + strings.Repeat("9", depth) + `}`, true},
		{"huge exponent", `{"id":"1","type":"t","time":1693389850810,"data":{"n":1e` + strings.Repeat("9", depth) + `}}`, true},
		{"repeated key", `{"id":"0","id":"1","type":"t","time":1,"time":1693389850810}`, true},
		{"repeated key without end", `{"id":"1","type":"t","time":1693389850810` + strings.Repeat(`,"id":"1"`, depth/3) + `}`, true},
		{"invalid UTF-8", "{\"id\":\"1\",\"type\":\"call:start\",\"time\":1693389850810,\"data\":{\"status\":\"\xff\xfe\"}}", true},
		{"so many flows", pad(`{"id":"1","type":"call:completed","time":1693389850810,"data":{"flows":[0` + strings.Repeat(",0", depth) + `]}}`), true},
		{"lone surrogate", `{"id":"1","type":"call:start","time":1693389850810,"data":{"status":"\ud800"}}`, true},
		{"NUL", `{"id":"1","type":"call:start","time":1693389850810,"data":{"status":"\u0000"}}`, true},
		{"as large as SQS takes", pad(`{"id":"1","type":"t","time":1693389850810}`), true},
		{"larger than SQS takes", pad(`{"id":"1","type":"t","time":1693389850810}`) + " ", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := events.Decode([]byte(test.body))
			if test.ok && (err != nil || e.ID != "1") {
				t.Errorf("got %+v, %v", e, err)
			}
			if !test.ok && !errors.Is(err, events.ErrMalformed) {
				t.Errorf("got %v, want malformed", err)
			}
		})
	}
}

func TestErrorsDoNotQuoteTheBody(t *testing.T) {
	_, err := events.Decode([]byte(`{"id":"1","phone":+15555550123}`))
	if err == nil || strings.Contains(err.Error(), "555") {
		t.Errorf("error %v", err)
	}
}

func TestDeliveryKeyIdentifiesTheContent(t *testing.T) {
	first, repeat := &events.Event{Raw: []byte("abc")}, &events.Event{Raw: []byte("abc"), ReceiveCount: 2}
	const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if first.DeliveryKey() != sha256 || repeat.DeliveryKey() != sha256 {
		t.Errorf("keys %s and %s, want %s", first.DeliveryKey(), repeat.DeliveryKey(), sha256)
	}
	if other := (&events.Event{Raw: []byte("abd")}); other.DeliveryKey() == sha256 {
		t.Error("another event has the same key")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(readFile(f, "testdata/call-start.json"))
	f.Add(readFile(f, "testdata/call-end.json"))
	f.Add(readFile(f, "testdata/call-completed.json"))
	f.Add([]byte(`{"id":"1","type":"call:live:progress","time":1e12,"data":{"flows":[{"talkTime":-0.0},null],"direction":"INBOUND"}}`))
	f.Add([]byte(`{"id":"1","type":"call:end","time":1e12,"data":{"caller":{"phone":"\u00e9\ud83d"},"tags":[null]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := events.Decode(body)
		if err != nil {
			if !errors.Is(err, events.ErrMalformed) || e != nil {
				t.Fatalf("%+v, %v", e, err)
			}
			return
		}
		if e.ID == "" || e.Type == "" || e.Time.Year() < 2000 || e.Time.Year() >= 2100 || !json.Valid(body) {
			t.Fatalf("accepted %+v", e)
		}
		if e.Data == nil {
			return
		}
		// Written as JSON and read again, the data is the same.
		out, err := json.Marshal(e.Data)
		if err != nil {
			t.Fatal(err)
		}
		again := reflect.New(reflect.TypeOf(e.Data).Elem()).Interface()
		if err := json.Unmarshal(out, again); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(e.Data, again) {
			t.Fatalf("%+v became %+v", e.Data, again)
		}
	})
}

func ExampleDecode() {
	e, err := events.Decode([]byte(`{
		"id": "it_w118741_1693389850.110", "type": "call:end", "time": 1693389853611,
		"data": {"caller": {"phone": "+15555550123", "name": null}, "endBy": "CALLER"}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	call := e.Data.(*events.Call)
	fmt.Println(e.Type, e.Time.Format(time.TimeOnly), call.Caller.Phone, call.EndBy, call.Caller.Name.Valid)
	// Output: call:end 10:04:13 +15555550123 CALLER false
}

func ExampleMux() {
	mux := &events.Mux{}
	mux.Handle("call:end", events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		fmt.Println("ended:", e.ID)
		return nil
	}))
	mux.Handle("call:*", events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		fmt.Println("another call event:", e.Type)
		return nil
	}))
	mux.Use(func(next events.Handler) events.Handler {
		return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
			err := next.HandleEvent(ctx, e)
			fmt.Println(e.Type, "->", err)
			return err
		})
	})

	ctx := context.Background()
	mux.HandleEvent(ctx, &events.Event{ID: "call-1", Type: "call:end"})
	mux.HandleEvent(ctx, &events.Event{ID: "call-1", Type: "call:transfer"})
	mux.HandleEvent(ctx, &events.Event{ID: "chat-1", Type: "chat:channel:created"})
	// Output:
	// ended: call-1
	// call:end -> <nil>
	// another call event: call:transfer
	// call:transfer -> <nil>
	// chat:channel:created -> no handler for this type of event
}

func ExampleRetryAfter() {
	crmIsDown := errors.New("CRM answered 503")
	err := events.RetryAfter(5*time.Minute, crmIsDown)
	delay, _ := events.RetryDelay(err)
	fmt.Println(err, "/", delay, "/", errors.Is(err, crmIsDown))
	// Output: retry after 5m0s: CRM answered 503 / 5m0s / true
}

func TestDecodeMakesFewAllocations(t *testing.T) {
	body := usualBody(t)
	allocations := testing.AllocsPerRun(100, func() { decode(t, body) })
	if allocations > 10 {
		t.Errorf("%v allocations", allocations)
	}
}

func BenchmarkDecode(b *testing.B) {
	body := usualBody(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := events.Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}

// usualBody is a call:end event as the PBX sends it, without white space.
func usualBody(t testing.TB) []byte {
	t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, readFile(t, "testdata/call-end.json")); err != nil {
		t.Fatal(err)
	}
	return compact.Bytes()
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func decode(t *testing.T, body []byte) *events.Event {
	t.Helper()
	e, err := events.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func decodeCall(t *testing.T, data string) *events.Call {
	t.Helper()
	return decode(t, []byte(`{"id":"1","type":"call:update","time":1693389850810,"data":`+data+`}`)).Data.(*events.Call)
}
