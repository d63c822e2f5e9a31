package calls

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/calls"
)

func TestNoTextIsAFormula(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"Ada Example":                    "Ada Example",
		"=cmd|' /C calc'!A0":             "'=cmd|' /C calc'!A0",
		"@SUM(1)":                        "'@SUM(1)",
		"+1+cmd":                         "'+1+cmd",
		"-1-2":                           "'-1-2",
		"-":                              "'-",
		"＝1":                             "'＝1",
		"+12025550100":                   "+12025550100",
		"+39 02 555 0100":                "+39 02 555 0100",
		"-5.5":                           "-5.5",
		"\t=1":                           "\ufffd=1",
		"\r=1":                           "\ufffd=1",
		"Ada;=HYPERLINK(\"x\")":          "Ada;'=HYPERLINK(\"x\")",
		"Ada, \"=1":                      "Ada, \"'=1",
		"a=b":                            "a=b",
		"Ada\u3000Example\u00a0👩\u200d💻": "Ada\u3000Example\u00a0👩\u200d💻",
		"\x1b[2J\u009b\u202e":            "\ufffd[2J\ufffd\ufffd",
	} {
		if got := (csvFormat{}).text(text); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
	}
}

func TestExcelKeepsTextsAsTheyAre(t *testing.T) {
	for text, want := range map[string]string{
		"+12025550100":        `="+12025550100"`,
		"00390255501":         `="00390255501"`,
		"1693389850.810":      `="1693389850.810"`,
		"123456789012":        `="123456789012"`,
		"1-2":                 `="1-2"`,
		"1E5":                 `="1E5"`,
		"201":                 "201",
		"=1":                  "'=1",
		"1\",HYPERLINK(\"x\"": "1\",HYPERLINK(\"x\"",
	} {
		if got := (csvFormat{excel: true}).text(text); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
	}
}

func TestExcelGetsAMarkAndLocalTimes(t *testing.T) {
	start := time.Date(2026, 11, 27, 8, 30, 15, 123e6, time.UTC)
	r := calls.Record{ID: "call-1", Start: start, End: start.Add(1500 * time.Millisecond), Caller: calls.Party{Name: "Zoë; Example"}}
	var out bytes.Buffer
	printer := &term.Printer{Out: &out}
	f := csvFormat{';', true, zone(t, "Europe/Rome")}
	if err := f.list(printer, func(yield func(calls.Record, error) bool) { yield(r, nil) }); err != nil {
		t.Fatal(err)
	}
	text, marked := strings.CutPrefix(out.String(), "\ufeff")
	if !marked {
		t.Errorf("no byte order mark: %q", out.String())
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.Comma = ';'
	rows, err := reader.ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for name, want := range map[string]string{"start": "2026-11-27 09:30:15", "answeredAt": "", "end": "2026-11-27 09:30:16", "seconds": "2", "callerName": "Zoë; Example"} {
		if got := rows[1][slices.Index(rows[0], name)]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
