package configfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var testKeys = []Key{
	{Name: "queue_url", Help: "The queue."},
	{Name: "concurrency", Type: TypeCount},
	{Name: "mask", Type: TypeBoolean},
	{Name: "timeout", Type: TypeDuration},
	{Name: "on", Type: TypeList},
	{Name: "retry", Type: TypeNumbers},
	{Name: "headers", Type: TypeTexts, Secret: true},
	{Name: "secret", Secret: true},
	{Name: "level", Values: []string{"info", "error"}},
}

func read(t *testing.T, text string) *File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "worker.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := Read(name)
	f.Faults.Need(f.Root)
	f.Faults.Check(f.Root, testKeys)
	return f
}

func (f *File) lines() (lines []string) {
	for _, line := range f.Faults.Lines() {
		lines = append(lines, strings.ReplaceAll(line, f.Name, "f"))
	}
	return lines
}

func TestEveryFaultIsNamedWithItsPosition(t *testing.T) {
	t.Setenv("PORT", "12x")
	t.Setenv("TOKEN", "very-secret")
	for text, want := range map[string][]string{
		"concurrency: many\nmask: 1\ntimeout: 5\nlevel: inf\nqueu_url: x\nqueue_url: 7\n": {
			`f:1:14: concurrency: want a whole number, not the text "many"`,
			`f:2:7: mask: want true or false, not 1`,
			`f:3:10: timeout: 5 has no unit: write 5s for seconds, 5m for minutes`,
			`f:4:8: level: "inf" is not one of info, error; did you mean "info"?`,
			`f:5:1: queu_url: unknown key; did you mean "queue_url"?`,
			`f:6:12: queue_url: want text, not 7; put it in quotes`,
		},
		"mask: true\nmask: false\n":   {"f:2:1: mask: is also in line 1"},
		"concurrency: 0":              {"f:1:14: concurrency: 0 is not a whole number from 1"},
		"timeout: -3s":                {`f:1:10: timeout: "-3s" is not a duration such as 30s or 5m`},
		"on: [a, 3]\nretry: [401, x]": {"f:1:9: on[1]: want text, not 3; put it in quotes", `f:2:14: retry[1]: want a whole number, not the text "x"`},
		"{on: [call:end, 3]}": {
			`f:1:7: on[0]: want text, not a mapping; put text with a colon in quotes: "call:..."`,
			`f:1:17: on[1]: want text, not 3; put it in quotes`,
		},
		"on: []":                            {"f:1:5: on: an empty list; leave the key out, or write at least one"},
		"headers: x":                        {"f:1:10: headers: want a mapping of texts, not text"},
		"headers:\n  A: [1]":                {"f:2:6: headers.A: want text, not a list"},
		"queue_url:":                        {"f:1:1: queue_url: want text, not nothing"},
		"queue_url: ${UNSET_VARIABLE}":      {"f:1:12: queue_url: the environment variable UNSET_VARIABLE is not set"},
		"queue_url: ${a b}":                 {"f:1:12: queue_url: ${ starts the name of an environment variable, such as ${CRM_TOKEN}; write $${ for the text itself"},
		"concurrency: ${PORT}":              {`f:1:14: concurrency: want a whole number, not the text "${PORT}"`},
		"level: x${TOKEN}":                  {`f:1:8: level: "x${TOKEN}" is not one of info, error`},
		"on: &a [x]\nqueue_url: *b":         {"f:1:5: on: anchors and aliases are not supported; write the value out", "f:2:12: queue_url: anchors and aliases are not supported; write the value out"},
		"queue_url: !!str x":                {"f:1:12: queue_url: tags such as !!str are not supported"},
		"- a\n":                             {"f:1:1: want settings such as queue_url: https://..., not a list"},
		"mask: true\n---\nmask: false":      {"f:3:1: a second document; the file has only one"},
		"# nothing\n":                       {"f:1:1: has no settings"},
		"mask: [":                           {"f:1:7: not valid YAML: sequence end token ']' not found"},
		"\n \n":                             {"f: empty"},
		"mask: \xff":                        {"f: not UTF-8 text"},
		"on: " + strings.Repeat("[", 1000):  {"f:1:24: values are nested more than 20 deep"},
		"on: " + strings.Repeat("- ", 1000): {"f:1:43: values are nested more than 20 deep"},
		"on: [" + strings.Repeat("x,", maxTokens) + "]": {"f:1:30003: more than 30000 keys, values and signs"},
		"queue_url: " + strings.Repeat("x", maxSize):    {"f: larger than 1048576 bytes"},
	} {
		if got := read(t, text).lines(); !slices.Equal(got, want) {
			t.Errorf("%.60q:\ngot  %q\nwant %q", text, got, want)
		}
	}
}

func TestValuesAreRead(t *testing.T) {
	t.Setenv("N", "8")
	t.Setenv("HOST", "example.com")
	f := read(t, "queue_url: https://${HOST}/$$x$\nconcurrency: ${N}\nmask: true\ntimeout: 1m\non: a\nretry: [401, 403]\nheaders: {A: b}\n")
	if lines := f.lines(); lines != nil {
		t.Fatal(lines)
	}
	r := f.Root
	if r.Text("queue_url") != "https://example.com/$x$" || r.Count("concurrency") != 8 || !r.Boolean("mask") || r.Duration("timeout") != time.Minute {
		t.Errorf("%+v", r)
	}
	if !slices.Equal(r.List("on"), []string{"a"}) || !slices.Equal(r.Numbers("retry"), []int{401, 403}) || r.Header("headers").Get("a") != "b" {
		t.Errorf("%+v", r)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	t.Setenv("TOKEN", "very-secret")
	f := read(t, "queue_url: https://x/${TOKEN}\nsecret: literal\nheaders: {A: literal, B: '${TOKEN}'}\n")
	for name, want := range map[string]string{
		"queue_url": "https://x/${TOKEN}", "secret": "(hidden)", "headers": "{A: (hidden), B: ${TOKEN}}",
	} {
		n := f.Root.Get(name)
		if got := n.Display(); got != want {
			t.Errorf("%s: %s", name, got)
		}
		if name != "secret" {
			f.Faults.At(n, "wrong: very-secret %q", "very-secret")
		}
		if name != "queue_url" {
			f.Faults.At(n, "wrong: literal")
		}
	}
	for _, line := range f.lines() {
		if strings.Contains(line, "very-secret") || strings.Contains(line, "literal") {
			t.Error(line)
		}
	}
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{dir: ": not a regular file", dir + "/none": ": no such file or directory", os.DevNull: ": not a regular file"} {
		if got := Read(name).Faults.Lines(); !slices.Equal(got, []string{name + want}) {
			t.Errorf("%q", got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("a: [1, {b: c}]\n")
	f.Add("? - a\n: |\n  text\n")
	f.Add("<<: *a\n- !!str\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		file := &File{Name: "f", Root: &Node{Kind: Mapping}, Faults: Faults{file: "f"}}
		file.parse([]byte(text))
		file.Faults.Check(file.Root, testKeys)
		file.Faults.Lines()
	})
}
