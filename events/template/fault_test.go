package template_test

import (
	"strings"
	"testing"

	"wildix-worker/events/template"
)

func TestParseNamesTheFault(t *testing.T) {
	for text, want := range map[string]string{
		"{{json .ID}":                        "line 1: ",
		"\n\n{{if .ID}}":                     "line 3: unexpected EOF",
		"\n{{shout .ID}}":                    `line 2, column 3: unknown function "shout"`,
		`{{jason .ID}}`:                      `line 1, column 3: unknown function "jason", did you mean "json"?`,
		`{{_step}}`:                          `unknown function "_step"`,
		`{{.event.data.status}}`:             `line 1, column 4: the event has no field "event"; write event.data.status without the dot`,
		`{{.call.missed}}`:                   `line 1, column 4: the event has no field "call"; write call.missed without the dot`,
		`{{json .Fone}}`:                     `line 1, column 9: the event has no field "Fone"`,
		`{{json .Data.Fone}}`:                `line 1, column 14: .Data has no field "Fone"`,
		`{{json .Data.Caller.Fone}}`:         `line 1, column 21: .Data.Caller has no field "Fone", did you mean "Phone"?`,
		`{{json .data.caller.fone}}`:         `line 1, column 21: .data.caller has no field "fone", did you mean "phone"?`,
		"{{/* ä */}}\n  {{call.calle.name}}": `line 2, column 10: call has no field "calle", did you mean "callee"?`,
		`{{event.dat}}`:                      `line 1, column 9: event has no field "dat", did you mean "data"?`,
		`{{$c := call}}{{$c.misst}}`:         `line 1, column 20: $c has no field "misst", did you mean "missed"?`,
		`{{with .Data.Caller}}{{.X}}{{end}}`: `line 1, column 25: the dot has no field "X"`,
		`{{range .Data.Tags}}{{.X}}{{end}}`:  `the dot has no field "X"`,
		`{{range .Type}}{{end}}`:             `line 1, column 9: range needs a list`,
		`{{truncate 3}}`:                     `line 1, column 3: truncate takes 2 arguments, not 1`,
		`{{len}}`:                            `line 1, column 3: len needs arguments`,
		`{{index .Data.Tags 0}}`:             "line 1, column 3: index: ",
		`{{if eq .Type 1}}{{end}}`:           "line 1, column 6: eq: incompatible types for comparison",
		`{{.Data.Caller.String}}`:            `no field "String"`,
		`{{template "other"}}`:               `line 1, column 12: template "other" is not defined`,
		`{{define "a"}}{{.foo}}{{end}}`:      `the dot has no field "foo"`,

		// In branches that no sample reaches.
		`{{if eq .Data.EndCause "17"}}{{.X}}{{end}}`:                                       `the event has no field "X"`,
		`{{if eq .ID "1"}}{{else if eq .ID "2"}}{{.X}}{{end}}`:                             `the event has no field "X"`,
		`{{if eq .ID "1"}}{{with .Data.Caller}}{{if .Name}}{{.X}}{{end}}{{end}}{{end}}`:    `the dot has no field "X"`,
		`{{define "part"}}{{if eq .ID "1"}}{{.X}}{{end}}{{end}}{{template "part" .}}`:      `the event has no field "X"`,
		`{{if .ID}}{{else}}{{range .Data.Tags}}{{if eq . "1"}}{{.X}}{{end}}{{end}}{{end}}`: `the dot has no field "X"`,
		`{{if eq .ID "1"}}{{json 1 2}}{{end}}`:                                             "json takes 1 arguments, not 2",
	} {
		if _, err := template.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

func TestTemplateMayRelyOnItsConditions(t *testing.T) {
	for _, text := range []string{
		`{{if gt (len .Data.Tags) 5}}{{index .Data.Tags 5}}{{end}}`,
		`{{if $n := len .Data.Tags}}{{$n}}{{else}}{{$n}}{{end}}`,
		`{{range .Data.Tags}}{{if eq . "two"}}{{break}}{{end}}{{continue}}{{end}}`,
		`{{$x := event.data.caller}}{{if call.missed}}{{$x = call.callee}}{{end}}{{$x.phone}}`,
		`{{$x := ""}}{{if call}}{{$x = call.caller}}{{else}}{{$x = event.data}}{{end}}{{if eq event.id "1"}}{{$x.phone}}{{end}}`,
		`{{range $i, $x := event.data.tags}}{{$i}}{{$x}}{{end}}{{$x := 1}}{{range $x = event.data.tags}}{{$x}}{{end}}`,
		`{{with or call.caller call.callee}}{{.phone}}{{end}}`,
	} {
		if _, err := template.Parse(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestErrorsOfRenderHaveNoValues(t *testing.T) {
	for text, want := range map[string]string{
		`{{if eq .ID "hidden"}}{{index .Data.Tags 9}}{{end}}`:    "line 1, column 25: index: ",
		`{{if eq .ID "hidden"}}{{lt .ID true}}{{end}}`:           "line 1, column 25: lt: incompatible types",
		`{{if eq .ID "hidden"}}{{range or .ID 1}}{{end}}{{end}}`: "range can't iterate over this value",
	} {
		made, err := template.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = made.Render(t.Context(), event(t, `{"id":"hidden","type":"call:end","time":1693389853611,"data":{"tags":["hidden"]}}`))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}
