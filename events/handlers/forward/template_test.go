package forward_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"wildix-worker/events"
	"wildix-worker/events/handlers/forward"
)

const nobody = `{"id":"1","type":"call:end","time":1693389853611,"data":{"caller":null,"callee":null}}`

// made returns the body that the endpoint gets for an event.
func made(t *testing.T, text string, e *events.Event) string {
	t.Helper()
	template, err := forward.ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, nil)
	h := newHandler(t, forward.Config{URL: s.URL, Template: template})
	if err := h.HandleEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return s.requests()[0].body
}

func TestTemplateOutput(t *testing.T) {
	start := event(t, "call-end.json")
	for _, test := range []struct{ text, event, want string }{
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
		{`{{json (slack "<a & b>")}}`, nobody, `"&lt;a &amp; b&gt;"`},
		{`{{json .Data.Status}}`, `{"id":"1","type":"chat:channel:created","time":1693389853611,"data":{"status":"no call's"}}`, `""`},
	} {
		if got := made(t, test.text, event(t, test.event)); got != test.want {
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
		if got := made(t, text, event(t, nobody)); got != `""` && got != "null" {
			t.Errorf("%s makes %s of null", text, got)
		}
	}
	if got := made(t, "{{json .Data.Callee.UserDepartment}}", event(t, "call-end.json")); got != `"Sales"` {
		t.Error(got)
	}
}

func TestEventWithEmptyTemplateOutputIsIgnored(t *testing.T) {
	template, err := forward.ParseTemplate("{{if eq .Type \"call:end\"}}\n{}\n{{end}}\n")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, nil)
	h := newHandler(t, forward.Config{URL: s.URL, Template: template})
	outcome, err := events.Dispatch(t.Context(), h, event(t, "call-start.json"))
	if outcome != events.Ignored || err != nil {
		t.Errorf("outcome %v, error %v", outcome, err)
	}
	s.wantRequests(t, 0)
}

func TestParseTemplateFindsWrongNames(t *testing.T) {
	for text, want := range map[string]string{
		`{{json .ID}`:                                          "line 1: ",
		"\n{{shout .ID}}":                                      `line 2: function "shout" not defined`,
		`{{json .Fone}}`:                                       "can't evaluate field Fone",
		`{{json .Data.Fone}}`:                                  "can't evaluate field Fone",
		`{{json .Data.Caller.Fone}}`:                           "can't evaluate field Fone",
		`{{json .data.caller.phone}}`:                          "can't evaluate field data",
		`{{with .Data.Caller}}{{.X}}{{end}}`:                   "can't evaluate field X",
		`{{range .Data.Tags}}{{.X}}{{end}}`:                    "can't evaluate field X",
		`{{index .Data.Tags 0}}`:                               "index",
		`{{if eq .Type 1}}{{end}}`:                             "incompatible types",
		`{{template "other"}}`:                                 `"other" not defined`,
		`{{if eq .Data.EndCause "17"}}{{.X}}{{end}}`:           "can't evaluate field X",
		`{{if eq .ID "1"}}{{else if eq .ID "2"}}{{.X}}{{end}}`: "can't evaluate field X",
		`{{if eq .ID "1"}}{{with .Data.Caller}}{{if .Name}}{{.X}}{{end}}{{end}}{{end}}`:    "can't evaluate field X",
		`{{define "part"}}{{if eq .ID "1"}}{{.X}}{{end}}{{end}}{{template "part" .}}`:      "can't evaluate field X",
		`{{if .ID}}{{else}}{{range .Data.Tags}}{{if eq . "1"}}{{.X}}{{end}}{{end}}{{end}}`: "can't evaluate field X",
	} {
		if _, err := forward.ParseTemplate(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

func TestTemplateMayRelyOnItsConditions(t *testing.T) {
	for _, text := range []string{
		`{{if gt (len .Data.Tags) 5}}{{index .Data.Tags 5}}{{end}}`,
		`{{if $n := len .Data.Tags}}{{$n}}{{else}}{{$n}}{{end}}`,
		`{{range .Data.Tags}}{{if eq . "two"}}{{break}}{{end}}{{end}}`,
	} {
		if _, err := forward.ParseTemplate(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestValidateFindsTemplatesWithoutJSON(t *testing.T) {
	for text, contentType := range map[string]string{
		`{"name": "{{.Data.Caller.Name}}"}`: "", // invalid once a name has a quote
		`{"at": {{.Time}}}`:                 "application/json; charset=utf-8",
		`id={{.ID}}`:                        "application/vnd.example+json",
	} {
		template, err := forward.ParseTemplate(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg := forward.Config{URL: "https://example.com", Template: template, Header: map[string][]string{}}
		if contentType != "" {
			cfg.Header.Set("Content-Type", contentType)
		}
		var field *events.FieldError
		if err := cfg.Validate(); !errors.As(err, &field) || field.Field != "Template" {
			t.Errorf("%s: error %v", text, err)
		}
		cfg.Header.Set("Content-Type", "text/plain")
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s as plain text: %v", text, err)
		}
	}
}

func TestBodyThatIsNotJSONIsNotSent(t *testing.T) {
	template, err := forward.ParseTemplate(`{{if eq .Data.EndCause "16"}}{"name": "{{.Data.EndCauseStr}}"}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, nil)
	h := newHandler(t, forward.Config{URL: s.URL, Template: template})
	err = h.HandleEvent(t.Context(), event(t, `{"id":"1","type":"call:end","time":1693389853611,"data":{"endCause":"16","endCauseStr":"a\"b"}}`))
	wantPermanent(t, err, "not valid JSON")
	if strings.Contains(err.Error(), `a"b`) {
		t.Errorf("error %q contains data of the event", err)
	}
	s.wantRequests(t, 0)
}

func FuzzTemplateOutputIsJSON(f *testing.F) {
	template, err := forward.ParseTemplate(`{"name": {{json .Data.Caller.Name}}, "text": {{slack .Data.Caller.Company | json}}}`)
	if err != nil {
		f.Fatal(err)
	}
	s := httptest.NewServer(status(http.StatusOK))
	f.Cleanup(s.Close)
	h := newHandler(f, forward.Config{URL: s.URL, Template: template})
	f.Add("A \"b\" \\ \x00\xff", "<&>\u2028")
	f.Fuzz(func(t *testing.T, name, company string) {
		text := func(s string) events.Text { return events.Text{Value: s, Valid: true} }
		e := &events.Event{Data: &events.Call{Caller: &events.Participant{Name: text(name), Company: text(company)}}}
		if err := h.HandleEvent(t.Context(), e); err != nil {
			t.Error(err)
		}
	})
}
