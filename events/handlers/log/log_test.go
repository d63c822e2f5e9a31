package log_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"wildix-worker/events"
	"wildix-worker/events/handlers/log"
)

func phone(number string) *events.Participant {
	return &events.Participant{Phone: events.Text{Value: number, Valid: true}}
}

func TestLineHasTheFieldsInOrder(t *testing.T) {
	var out bytes.Buffer
	h := log.New(&out, false)
	e := &events.Event{
		ID: "call-1", Type: events.CallEnd, PBX: "221100001bab", Company: "example", IntegrationID: "8qkmnq",
		Time: time.UnixMilli(1693389853611).UTC(),
		Data: &events.Call{Caller: phone("+15555550123"), Callee: &events.Participant{}},
	}
	if err := h.HandleEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	want := `{"time":"2023-08-30T10:04:13.611Z","id":"call-1","type":"call:end","company":"example","pbx":"221100001bab",` +
		`"integrationId":"8qkmnq","caller":"+15555550123","callee":null}` + "\n"
	if out.String() != want {
		t.Errorf("wrote\n%swant\n%s", out.String(), want)
	}
}

func TestLineHasWhatTheEventSays(t *testing.T) {
	const caller, callee = `{"type":"REMOTE","phone":"+12025550100"}`, `{"type":"LOCAL","phone":"1001"}`
	for _, test := range []struct{ eventType, data, want string }{
		{events.CallStart, `{"status":"CONNECTING"}`, `"caller":null,"callee":null,"status":"CONNECTING"}`},
		{events.CallEnd, `{"status":"RINGING","caller":` + caller + `,"queueName":"Sup\"port","endCause":"16"}`,
			`"caller":"+12025550100","callee":null,"status":"RINGING","direction":"inbound","queue":"Sup\"port","endCause":"16"}`},
		{events.CallUpdate, `{"caller":` + callee + `,"trunkName":"Main"}`, `"caller":"1001","callee":null,"direction":"outbound"}`},
		{events.CallUpdate, `{"caller":` + callee + `,"callee":` + callee + `}`, `"caller":"1001","callee":"1001","direction":"internal"}`},
		{events.CallLiveProgress, `{"status":"TALKING","direction":"OUTBOUND","caller":` + callee + `}`,
			`"caller":"1001","callee":null,"status":"TALKING","direction":"outbound"}`},
		{events.CallCompleted, `{"endCause":"16","flows":[{"flowIndex":0,"startTime":1693389850000,"endTime":1693389862500,"direction":"INBOUND","caller":` + caller + `,"callee":` + callee + `}]}`,
			`"caller":"+12025550100","callee":"1001","status":"missed","direction":"inbound","endCause":"16","duration":12.5}`},
		{events.CallCompleted, `{}`, `"caller":null,"callee":null}`},
		{events.CallFinished, `{"caller":` + caller + `,"direction":"inbound","queue":"Support","answered":true,"endCause":"16","duration":31}`,
			`"caller":"+12025550100","callee":null,"status":"answered","direction":"inbound","queue":"Support","endCause":"16","duration":31}`},
		{events.PresenceUser, `{"status":"dnd","email":"ada@example.com"}`, `"caller":null,"callee":null,"status":"dnd"}`},
		{events.SMSStatus, `{"status":"DELIVERED","from":"+12025550100"}`, `"caller":null,"callee":null,"status":"DELIVERED"}`},
		{"chat:channel:created", `{"status":"open"}`, `"caller":null,"callee":null}`},
	} {
		e, err := events.Decode([]byte(`{"id":"1","type":"` + test.eventType + `","time":1693389850810,"data":` + test.data + `}`))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := log.New(&out, false).HandleEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(out.String()); !strings.HasSuffix(got, test.want) || !json.Valid([]byte(got)) {
			t.Errorf("%s %s\nwrote %s\nwant  %s", test.eventType, test.data, got, test.want)
		}
	}
}

func TestPhoneNumbersAreMasked(t *testing.T) {
	var out bytes.Buffer
	h := log.New(&out, true)
	e := &events.Event{ID: "1", Type: events.CallStart, Data: &events.Call{Caller: phone("+15555550123"), Callee: phone("17")}}
	if err := h.HandleEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Contains(got, "555") || strings.Contains(got, "17") || !strings.Contains(got, `"caller":"***23"`) {
		t.Errorf("wrote %s", got)
	}
}

// countingWriter counts writes, and fails if err is set.
type countingWriter struct {
	bytes.Buffer
	writes int
	err    error
}

func (w *countingWriter) Write(p []byte) (int, error) {
	w.writes++
	if w.err != nil {
		return 0, w.err
	}
	return w.Buffer.Write(p)
}

func TestConcurrentLinesStayWhole(t *testing.T) {
	const events = 1000
	out := &countingWriter{}
	handle(t, log.New(out, false), events, nil)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	seen := make(map[string]bool)
	for _, line := range lines {
		if !strings.HasPrefix(line, `{"time":`) || !strings.HasSuffix(line, "}") {
			t.Fatalf("broken line %q", line)
		}
		seen[line] = true
	}
	if len(seen) != events || len(lines) != events {
		t.Errorf("%d lines, %d different, of %d events", len(lines), len(seen), events)
	}
	if out.writes > events {
		t.Errorf("%d writes for %d events", out.writes, events)
	}
}

func TestWriteErrorFailsTheEvent(t *testing.T) {
	full := errors.New("no space left on device")
	handle(t, log.New(&countingWriter{err: full}, false), 50, full)
}

func TestLineAfterAPartialOneIsWhole(t *testing.T) {
	out := &limitedWriter{left: 20}
	h := log.New(out, false)
	if err := h.HandleEvent(t.Context(), &events.Event{ID: "one"}); err == nil {
		t.Fatal("no error for a partial line")
	}
	out.left = 10_000
	if err := h.HandleEvent(t.Context(), &events.Event{ID: "two"}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[1], `{"time":`) {
		t.Errorf("wrote %q", out.String())
	}
}

// limitedWriter has room for a number of bytes.
type limitedWriter struct {
	bytes.Buffer
	left int
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	w.Buffer.Write(p[:n])
	if n < len(p) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

// handle calls h with n events at once. Each must return want.
func handle(t *testing.T, h events.Handler, n int, want error) {
	t.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			err := h.HandleEvent(context.Background(), &events.Event{ID: fmt.Sprint(i), Type: "t"})
			if !errors.Is(err, want) {
				t.Errorf("event %d: %v, want %v", i, err, want)
			}
		})
	}
	all.Wait()
}

// line is the handler's line for encoding/json.
type line struct {
	Time          string  `json:"time"`
	ID            string  `json:"id"`
	Type          string  `json:"type"`
	Company       string  `json:"company"`
	PBX           string  `json:"pbx"`
	IntegrationID string  `json:"integrationId"`
	Caller        *string `json:"caller"`
	Callee        *string `json:"callee"`
}

func FuzzLineIsThatOfEncodingJSON(f *testing.F) {
	f.Add("call-1", "call:end", "example", "221100001bab", "8qkmnq", "+15555550123", int64(1693389853611))
	f.Add("\x00\x01\x1f \x7f\u0080", "\b\f\n\r\t\v", `"\/'`, "<&>", "é☎😀", "\u2027\u2028\u2029\u202a", int64(0))
	f.Add("\xff", "a\xc3", "\xed\xa0\x80\xf0\x9f", "\xe2\x80", "\ufffd\uffff", "", int64(-62135596800000))
	f.Add("", "", "", "", "", strings.Repeat("long ", 1000), int64(253402300799999))
	f.Fuzz(func(t *testing.T, id, kind, company, pbx, integration, number string, millis int64) {
		at := time.UnixMilli(millis).UTC()
		var want, got bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(line{
			Time: at.Format("2006-01-02T15:04:05.000Z07:00"), ID: id, Type: kind, Company: company, PBX: pbx, IntegrationID: integration,
			Callee: &number,
		}); err != nil {
			t.Fatal(err)
		}
		if err := log.New(&got, false).HandleEvent(t.Context(), &events.Event{
			Time: at, ID: id, Type: kind, Company: company, PBX: pbx, IntegrationID: integration,
			Data: &events.Call{Caller: &events.Participant{}, Callee: phone(number)},
		}); err != nil {
			t.Fatal(err)
		}
		if want := harmless(want.String()); got.String() != want {
			t.Errorf("wrote\n%swant\n%s", got.String(), want)
		}
	})
}

// harmless escapes what terminals obey, and encoding/json leaves as it is.
func harmless(line string) string {
	var b strings.Builder
	for _, r := range line {
		if r > '\x7f' && unicode.In(r, unicode.Cc, unicode.Bidi_Control) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func ExampleNew() {
	h := log.New(os.Stdout, false)
	h.HandleEvent(context.Background(), &events.Event{
		ID: "call-1", Type: "call:start", Company: "example", Time: time.UnixMilli(1693389850810).UTC(),
	})
	// Output: {"time":"2023-08-30T10:04:10.810Z","id":"call-1","type":"call:start","company":"example","pbx":"","integrationId":"","caller":null,"callee":null}
}

func BenchmarkHandle(b *testing.B) {
	body, err := os.ReadFile("../../testdata/call-end.json")
	if err != nil {
		b.Fatal(err)
	}
	e, err := events.Decode(body)
	if err != nil {
		b.Fatal(err)
	}
	h := log.New(io.Discard, false)
	b.ReportAllocs()
	for b.Loop() {
		h.HandleEvent(context.Background(), e)
	}
}

func TestReplayIsMarked(t *testing.T) {
	var out bytes.Buffer
	e := &events.Event{ID: "call-1", Type: events.CallEnd, Replay: true}
	if err := log.New(&out, false).HandleEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), `,"callee":null,"replay":true}`+"\n") {
		t.Errorf("wrote %s", out.String())
	}
}
