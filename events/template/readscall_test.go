package template_test

import (
	"testing"

	"wildix-worker/events/template"
)

func TestReadsCallFindsTemplatesForWholeCalls(t *testing.T) {
	for text, want := range map[string]bool{
		`{{if eq event.type "call:end"}}{"id": {{json event.id}}}{{end}}`: false,
		`{"call": "call"}`:            false,
		`{{if call.missed}}{}{{end}}`: true,
		`{{with event}}{{if eq .type "x"}}{{json call.caller.name}}{{end}}{{end}}`: true,
		`{{define "a"}}{{call.queue | json}}{{end}}{{template "a"}}`:               true,
	} {
		tmpl, err := template.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := tmpl.ReadsCall(); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	for _, recipe := range template.Recipes() {
		tmpl, err := template.Open(recipe.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := tmpl.ReadsCall(), recipe.Name != "cloudevents"; got != want {
			t.Errorf("%s: %t", recipe.Name, got)
		}
	}
}
