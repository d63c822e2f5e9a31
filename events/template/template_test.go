package template_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"wildix-worker/events"
	"wildix-worker/events/template"
)

const (
	nobody   = `{"id":"1","type":"call:end","time":1693389853611,"data":{"caller":null,"callee":null}}`
	finished = `{"id":"1","type":"call:finished","time":1693389853611,"data":{"caller":{"type":"REMOTE","phone":"+12025550100","name":"Ada"},` +
		`"callee":null,"direction":"inbound","destination":"200","queue":"Sales","started":1693389853611,"ended":1693389918861,"duration":65.25,"waited":5,"answered":false,"missed":true,"endCause":"16"}}`
)

// event returns an event from its JSON, or from a file of testdata.
func event(t testing.TB, body string) *events.Event {
	t.Helper()
	if !strings.HasPrefix(body, "{") {
		content, err := os.ReadFile("../testdata/" + body)
		if err != nil {
			t.Fatal(err)
		}
		body = string(content)
	}
	e, err := events.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	e.ReceiveCount = 3
	return e
}

func render(t testing.TB, text, body string) string {
	t.Helper()
	made, err := template.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	output, err := made.Render(t.Context(), event(t, body))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return string(output)
}

func TestTemplateOutput(t *testing.T) {
	start := event(t, "call-end.json")
	for _, test := range []struct{ text, event, want string }{
		// By the names of the Go types, as in the first version.
		{`{"from": {{json .Data.Caller.Phone}}}`, "call-end.json", `{"from": "+15555550123"}`},
		{`{"from": {{json .Data.Caller.Phone}}}`, nobody, `{"from": ""}`},
		{`{"from": {{json .Data.Caller}}}`, nobody, `{"from": null}`},
		{`{{if .Data.Caller}}1{{else}}0{{end}}`, nobody, `0`},
		{`{{if .Data.Caller}}1{{else}}0{{end}}`, "call-end.json", `1`},
		{`{{if .Data.Caller.Phone}}1{{else}}0{{end}}`, nobody, `0`},
		{`{{with .Data.Caller}}{{json .Phone}}{{else}}"nobody"{{end}}`, nobody, `"nobody"`},
		{`{{json (or .Data.Caller.Name .Data.Caller.Phone "unknown")}}`, "call-end.json", `"+15555550123"`},
		{`{{json (or .Data.Caller.Name .Data.Caller.Phone "unknown")}}`, nobody, `"unknown"`},
		{`{{if eq .Data.EndCause "21"}}1{{else}}0{{end}}`, "call-end.json", `1`},
		{`[{{range $i, $tag := .Data.Tags}}{{if $i}},{{end}}{{json $tag}}{{end}}]`, "call-end.json", `["vip","callback"]`},
		{`{{json .Data.Tags}}`, nobody, `null`},
		{`{{json .Data.Callee.Name}}`, "call-end.json", `"Björn \"Bo\" Exämple ☎"`},
		{`{{.Time.Format "15:04" | json}}`, "call-end.json", `"10:04"`},
		{`{{.Time.UnixMilli}}`, "call-end.json", `1693389853611`},
		{`{{json .Key}}`, "call-end.json", `"` + start.DeliveryKey() + `"`},
		{`{{json .}}`, nobody, nobody},
		{`{{.ReceiveCount}}`, nobody, "3"},
		{`{{json (slack "<a & b>")}}`, nobody, `"&lt;a &amp; b&gt;"`},
		{`{{json .Data.Status}}`, `{"id":"1","type":"chat:channel:created","time":1693389853611,"data":{"status":"no call's"}}`, `""`},

		// By the names in JSON.
		{`{{event.data.caller.phone}} {{.data.caller.phone}}`, "call-end.json", "+15555550123 +15555550123"},
		{`{{json event}}`, nobody, nobody},
		{`{{json call}}{{if call}}1{{else}}0{{end}}{{call.missed}}{{call.caller.phone}}{{call.duration}}`, nobody, "null0false0s"},
		{`{{if call}}1{{end}} {{call.id}} {{call.caller.name}} {{call.direction}} {{call.queue}} {{call.missed}} {{call.answered}}`, finished, "1 1 Ada inbound Sales true false"},
		{`{{call.duration}} {{call.duration.seconds}} {{call.duration.milliseconds}} {{json call.duration}} {{gt call.duration 60}}`, finished, "1m5s 65 65250 65.25 true"},
		{`{{call.started.unix}} {{call.ended.format "15:04:05"}}{{call.answeredAt}}{{call.answeredAt.local.format "15:04"}}{{if call.answeredAt}}1{{end}}{{json call.answeredAt}}`, finished, "1693389853 10:05:18null"},
		{`{{.Data.Caller.Name}} {{.Data.QueueName}} {{.Data.Direction}} {{.Data.EndCause}}`, finished, "Ada Sales inbound 16"},
		{`{{field "data.more.parts"}} {{field "data.n"}} {{field "data.none.x"}}{{field "type"}}`, `{"id":"1","type":"a","time":1693389853611,"data":{"n":[1],"more":{"parts":"two"}}}`, "two [1] a"},
		{`{{event.data.extension}} {{event.data.message}}`, `{"id":"1","type":"presence:user","time":1693389853611,"data":{"extension":"200","message":"away"}}`, "200 away"},

		// Functions.
		{`{{printf "%s %5d %-5s|%q %.2f %v%%" "a" 7 "b" "c" 1.5 true}}`, nobody, `a     7 b    |"c" 1.50 true%`},
		{`{{print 1 2 "a" "b" 3}} {{println "a" 1}}`, nobody, "1 2ab3 a 1\n"},
		{`{{html "<a href='x'>"}} {{js "'</script>"}} {{urlquery "a b&c"}}`, nobody, `&lt;a href=&#39;x&#39;&gt; \'\u003C/script\u003E a+b%26c`},
		{`{{line "a\r\nb\t\u202e"}}|{{truncate 3 "äöüß"}}|{{truncate 4 "äöüß"}}`, nobody, "a b|äö…|äöüß"},
		{`{{markdown "*@x* [a](b)"}} {{plain "<users/all>"}}`, nobody, `\*\@x\* \[a\]\(b\) ‹users/all›`},
		{`{{and true "a"}}{{or "" "b"}}{{not true}}{{len "abc"}}{{index "abc" 0}}{{slice "abc" 1}}`, nobody, "abfalse397bc"},
		{`{{eq 1 1}}{{eq "a" "b" "a"}}{{ne 1 2}}{{lt 1 2}}{{le 2 2}}{{gt "b" "a"}}{{ge 1 2}}{{eq true true}}{{lt 1 1.5}}`, nobody, "truetruetruetruetruetruefalsetruetrue"},
		{`{{define "part"}}<{{.phone}}>{{end}}{{template "part" event.data.caller}}`, "call-end.json", "<+15555550123>"},
	} {
		if got := render(t, test.text, test.event); got != test.want {
			t.Errorf("%s makes %s, want %s", test.text, got, test.want)
		}
	}
}

func TestTemplateHasEveryFieldOfACall(t *testing.T) {
	fields := "Status Service Destination TrunkName QueueName QueueID Tags Flags EndCause EndCauseStr EndBy Caller Callee"
	for _, side := range []string{"Caller", "Callee"} {
		for field := range strings.FieldsSeq("Type Phone Name Company Email UserID UserExtension UserDepartment GroupID GroupName UserAgent UserDevice") {
			fields += " " + side + "." + field
		}
	}
	for field := range strings.FieldsSeq(fields) {
		text := "{{json .Data." + field + "}}"
		if got := render(t, text, nobody); got != `""` && got != "null" {
			t.Errorf("%s makes %s of null", text, got)
		}
	}
	if got := render(t, "{{json event.data.callee.userDepartment}}", "call-end.json"); got != `"Sales"` {
		t.Error(got)
	}
}

func TestFieldsCanBeRead(t *testing.T) {
	for _, body := range []string{"call-end.json", nobody, finished} {
		for _, f := range template.Fields(event(t, body)) {
			isList := strings.HasSuffix(f.Name, ".tags") || strings.HasSuffix(f.Name, ".flags")
			if got := render(t, "{{"+f.Name+"}}", body); f.Value != "" && !isList && got != f.Value {
				t.Errorf("%s is %q, and Fields has %q", f.Name, got, f.Value)
			}
		}
	}
	values := make(map[string]string)
	for _, f := range template.Fields(event(t, finished)) {
		values[f.Name] = f.Value
	}
	for name, want := range map[string]string{"event.type": "call:finished", "event.data.caller.name": "Ada", "call.caller.phone": "+12025550100", "call.missed": "true", "call.answeredAt": "", "call.callee.name": ""} {
		if got, ok := values[name]; got != want || !ok {
			t.Errorf("%s is %q, %v", name, got, ok)
		}
	}
}

func TestOutputOfOnlySpaceIsEmpty(t *testing.T) {
	for _, text := range []string{"", "\n {{if call.missed}}x{{end}}\n", `{{define "x"}}x{{end}}`} {
		if got := render(t, text, nobody); got != "" {
			t.Errorf("%q makes %q", text, got)
		}
	}
}

func TestTemplatesAreSafeForConcurrentUse(t *testing.T) {
	made, err := template.Parse(`{{event.id}}{{range 100}}{{json event.id}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			id := strings.Repeat(fmt.Sprint(i), 50)
			e := &events.Event{ID: id}
			for range 50 {
				got, err := made.Render(t.Context(), e)
				if want := id + strings.Repeat(`"`+id+`"`, 100); err != nil || string(got) != want {
					t.Fatalf("%v, %s", err, got)
				}
			}
		})
	}
}

func FuzzOutputIsJSON(f *testing.F) {
	made, err := template.Parse(`{"name": {{json .Data.Caller.Name}}, "text": {{slack .Data.Caller.Company | line | truncate 20 | json}}}`)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("A \"b\" \\ \x00\xff", "<&>\u2028")
	f.Fuzz(func(t *testing.T, name, company string) {
		text := func(s string) events.Text { return events.Text{Value: s, Valid: true} }
		e := &events.Event{Data: &events.Call{Caller: &events.Participant{Name: text(name), Company: text(company)}}}
		if got, err := made.Render(t.Context(), e); err != nil || !json.Valid(got) {
			t.Errorf("%v %s", err, got)
		}
	})
}

func ExampleParse() {
	_, err := template.Parse(`{{if call.missed}}{"from": {{json call.caller.fone}}}{{end}}`)
	fmt.Println(err)
	// Output: line 1, column 47: call.caller has no field "fone", did you mean "phone"?
}

func BenchmarkRecipe(b *testing.B) {
	made, err := template.Open("slack-missed-call")
	if err != nil {
		b.Fatal(err)
	}
	e := event(b, finished)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := made.Render(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}

func TestReplayIsMarked(t *testing.T) {
	made, err := template.Parse(`{{if event.replay}}again{{else}}first{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	e := event(t, finished)
	for _, want := range []string{"first", "again"} {
		if got, err := made.Render(t.Context(), e); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
		e.Replay = true
	}
}
