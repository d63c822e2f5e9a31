package template_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/template"
)

// The templates of this test would take hours, or all memory.
func TestParseEndsHostileTemplates(t *testing.T) {
	long := strings.Repeat("x", 30_000)
	var doubling, variables strings.Builder
	for i := range 40 {
		fmt.Fprintf(&doubling, `{{define "%d"}}{{template "%d" .}}{{template "%d" .}}{{end}}`, i, i+1, i+1)
	}
	doubling.WriteString(`{{define "40"}}{{end}}{{template "0" .}}`)
	variables.WriteString(`{{$x := "x"}}{{range 20}}{{$x = printf "%s%s" $x $x}}{{end}}`) // 1 MiB
	for i := range 2000 {
		fmt.Fprintf(&variables, `{{$v%d := print $x}}`, i)
	}
	many := strings.Repeat("$x ", 20_000)
	for name, test := range map[string]struct{ text, want string }{
		"range":                {"{{range 2000000000}}{{end}}", "more than 100,000 steps"},
		"nested range":         {"{{range 1000000}}{{range 1000000}}{{.}}{{end}}{{end}}", "more than 100,000 steps"},
		"range in functions":   {`{{range $i := 2000000000}}{{if eq $i 1}}{{end}}{{end}}`, "more than 100,000 steps"},
		"long text in range":   {"{{range 2000000000}}" + long + "{{end}}", "the output is larger than 1 MiB"},
		"fields in range":      {"{{range 90000}}{{call.started" + strings.Repeat(".local", 9000) + "}}{{end}}", "more than 100,000 steps"},
		"arguments in range":   {"{{range 90000}}{{and " + strings.Repeat("1 ", 30_000) + "}}{{end}}", "more than 100,000 steps"},
		"deep ranges":          {strings.Repeat("{{range 9}}", 3000) + strings.Repeat("{{end}}", 3000), "nested more than 100 deep"},
		"deep parentheses":     {"{{" + strings.Repeat("(", 9000) + "call.fone" + strings.Repeat(")", 9000) + "}}", `has no field "fone"`},
		"recursion":            {`{{define "a"}}{{template "b" .}}{{end}}{{define "b"}}{{template "a" .}}{{end}}{{template "a" .}}`, `calls itself`},
		"recursive block":      {`{{block "a" .}}{{template "a" .}}{{end}}`, `template "a" calls itself`},
		"exponential calls":    {doubling.String(), "more than 100,000 steps"},
		"width":                {`{{printf "%1000000000d" 1}}`, "a width or precision of more than 1000"},
		"width of text":        {`{{printf "%999999s" "x"}}`, "a width or precision of more than 1000"},
		"precision":            {`{{printf "%.999999f" 1.5}}`, "a width or precision of more than 1000"},
		"width as argument":    {`{{printf "%*d" 1000000 1}}`, "a % without one of the verbs"},
		"argument indexes":     {`{{printf "%[1]s%[1]s" "x"}}`, "a % without one of the verbs"},
		"doubling":             {`{{$x := "x"}}{{range 100}}{{$x = printf "%s%s" $x $x}}{{end}}`, "a text is larger than 1 MiB"},
		"doubling by print":    {`{{$x := "x"}}{{range 100}}{{$x = print $x $x}}{{end}}`, "a text is larger than 1 MiB"},
		"doubling by html":     {`{{$x := "x"}}{{range 100}}{{$x = html $x $x}}{{end}}`, "a text is larger than 1 MiB"},
		"escapes in escapes":   {`{{$x := "<"}}{{range 100}}{{$x = js $x}}{{end}}`, "a text is larger than 1 MiB"},
		"query in query":       {`{{$x := "<"}}{{range 100}}{{$x = urlquery $x $x}}{{end}}`, "a text is larger than 1 MiB"},
		"json in json":         {`{{$x := "\""}}{{range 100}}{{$x = json $x}}{{end}}`, "a text is larger than 1 MiB"},
		"markdown in markdown": {`{{$x := "*"}}{{range 100}}{{$x = markdown $x}}{{end}}`, "a text is larger than 1 MiB"},
		"comparisons":          {`{{$x := "` + long + `"}}{{range 90000}}{{if eq $x $x}}{{end}}{{end}}`, "more than 32 MiB"},
		"comparison of many":   {`{{$x := "x"}}{{range 20}}{{$x = print $x $x}}{{end}}{{$y := print $x "y"}}{{eq $y ` + strings.ReplaceAll(many, "$x", "$y") + `}}`, "larger than 1 MiB"},
		"many variables":       {variables.String(), "more than 32 MiB"},
		"many arguments":       {`{{$x := "x"}}{{range 20}}{{$x = print $x $x}}{{end}}{{len (print ` + many + `)}}`, "a text is larger than 1 MiB"},
		"many events":          {`{{range 90000}}{{$x := json event}}{{field "data.x"}}{{end}}`, "more than"},
		"time layout":          {`{{event.time.format "` + long + `"}}`, "a layout of more than 100 characters"},
		"source":               {long + long + long, "the template has 90000 bytes, more than 65536"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		goroutines, start := runtime.NumGoroutine(), time.Now()
		var err error
		synctest.Test(t, func(*testing.T) { // in which no deadline comes before a limit, however slow the machine
			_, err = template.Parse(test.text)
		})
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
		if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; allocated > 200 {
			t.Errorf("%s: %d MiB allocated in all", name, allocated)
		}
		if runtime.NumGoroutine() > goroutines {
			t.Errorf("%s: goroutines left", name)
		}
		t.Logf("%-20s %4d ms %3d MiB", name, time.Since(start).Milliseconds(), (after.TotalAlloc-before.TotalAlloc)>>20)
	}
}

// A template that is cheap for the samples may not be for an event of 1 MiB.
func TestRenderIsBoundedForTheLargestEvents(t *testing.T) {
	large := strings.Repeat("<", 900_000)
	e := event(t, `{"id":"1","type":"call:end","time":1693389853611,"data":{"status":"`+large+`"}}`)
	for text, want := range map[string]string{
		`{{html .Data.Status}}`:                                            "a text is larger than 1 MiB",
		`{{.Data.Status}}{{.Data.Status}}`:                                 "the output is larger than 1 MiB",
		`{{range 1000}}{{if eq $.Data.Status ""}}{{end}}{{end}}`:           "",
		`{{range 100}}{{if eq $.Data.Status $.Data.Status}}{{end}}{{end}}`: "more than 32 MiB",
		`{{range 1000}}{{$x := slack $.Data.Status}}{{end}}`:               "a text is larger than 1 MiB",
		`{{range 100}}{{$x := field "data.status"}}{{end}}`:                "more than 32 MiB",
		`{{.Data.Status | truncate 10}}`:                                   "",
		`{{json .}}`:                                                       "",
	} {
		made, err := template.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = made.Render(t.Context(), e)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

// endless is a context that ends after a number of looks at it.
type endless struct {
	context.Context
	looks, end int
}

func (c *endless) Err() error {
	if c.looks++; c.looks > c.end {
		return context.DeadlineExceeded
	}
	return nil
}

func TestRenderEndsWithItsContext(t *testing.T) {
	made, err := template.Parse(`{{if eq .ID "1"}}{{range 90000}}x{{end}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx := &endless{Context: t.Context(), end: 50}
	_, err = made.Render(ctx, &events.Event{ID: "1"})
	if !errors.Is(err, context.DeadlineExceeded) || ctx.looks > 52 {
		t.Errorf("error %v after %d looks", err, ctx.looks)
	}
	if strings.Contains(err.Error(), "_step") {
		t.Error(err)
	}
	ctx, looks := &endless{Context: t.Context(), end: 1e6}, 90_000
	if output, err := made.Render(ctx, &events.Event{ID: "1"}); err != nil || len(output) != 90_000 || ctx.looks < looks {
		t.Errorf("error %v, %d bytes, %d looks", err, len(output), ctx.looks)
	}
}
