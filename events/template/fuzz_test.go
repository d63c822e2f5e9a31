package template_test

import (
	"strings"
	"testing"
	"time"

	"wildix-worker/events/template"
)

// Any text is a template or has a fault, in bounded time, and makes at most 1 MiB.
func FuzzParse(f *testing.F) {
	for _, r := range template.Recipes() {
		f.Add(r.Text())
	}
	for _, text := range []string{
		`{{range $i, $e := event.data.tags}}{{$i}}{{$e}}{{break}}{{else}}{{continue}}{{end}}`,
		`{{define "a"}}{{.}}{{end}}{{template "a" call}}{{block "b" .}}{{.id}}{{end}}`,
		`{{with $x := call.caller}}{{$x.name | printf "%5.2s|%q" "a" | len}}{{else with event}}{{.type}}{{end}}`,
		`{{if and (eq 1 1.5) (lt "a" "b") | not}}{{index event.data.tags 0}}{{slice "abc" 1 2}}{{end}}`,
		`{{range 3}}{{println . (call).id}}{{end}}{{ - 1 }}{{-1}}{{"a\x00" | js}}{{'a'}}{{1i}}{{nil}}`,
		"{{`\n` | line | truncate 1 | markdown | json}}{{field \"data.caller\"}}{{event.time.local.format \"15\"}}",
		strings.Repeat("{{if .}}", 50) + strings.Repeat("{{end}}", 50) + strings.Repeat("(", 50),
	} {
		f.Add(text)
	}
	e := event(f, "call-end.json")
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		made, err := template.Parse(text)
		if err == nil {
			var output []byte
			if output, err = made.Render(t.Context(), e); len(output) > 1<<20 {
				t.Errorf("%d bytes", len(output))
			}
		}
		if err != nil && (strings.Contains(err.Error(), "_step") && !strings.Contains(text, "_step") || strings.Contains(err.Error(), "+15555550123")) {
			t.Error(err)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("took %s", took)
		}
	})
}
