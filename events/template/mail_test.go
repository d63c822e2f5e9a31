package template_test

import (
	"strings"
	"testing"

	"wildix-worker/events/template"
)

func TestReadMail(t *testing.T) {
	for output, want := range map[string]template.Mail{
		"Subject: a\n\nb\nc\n":              {Subject: "a", Text: "b\nc\n"},
		"\n  Subject:a: b \r\n\r\nc\r\n":    {Subject: "a: b", Text: "c\n"},
		"Subject: a\x00\x1b[31mb\n\n":       {Subject: "a [31mb"},
		"Subject: a\u202eb\n\nSubject: c\n": {Subject: "ab", Text: "Subject: c\n"},
	} {
		if got, err := template.ReadMail([]byte(output)); err != nil || got != want {
			t.Errorf("%q: %+v, %v", output, got, err)
		}
	}
	for output, want := range map[string]string{
		"":                                  "does not begin with a line such as",
		"text":                              "does not begin with a line such as",
		"To: x\n\ntext":                     "does not begin with a line such as",
		"Subject: a\nBcc: eve\n\ntext":      "does not begin with a line such as",
		"Subject: a":                        "does not begin with a line such as",
		"Subject:  \n\ntext":                "an empty subject",
		"Subject: \x00\u2028\u202e\n\ntext": "an empty subject",
	} {
		if _, err := template.ReadMail([]byte(output)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", output, err, want)
		}
	}
}

func TestCheckMailFindsTemplatesWithoutASubject(t *testing.T) {
	for text, ok := range map[string]bool{
		"Subject: {{event.id}}\n\ntext":                                      true,
		"{{if call.missed}}Subject: {{call.caller.name | line}}x\n\n{{end}}": true,
		"{{if call.missed}}Subject: {{call.caller.name}}\n\n{{end}}":         false, // may be empty
		"{{json event}}": false,
		"":               true,
	} {
		made, err := template.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := made.CheckMail(); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
