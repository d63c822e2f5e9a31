package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"wildix-worker/events"
)

var logged = regexp.MustCompile("log\\s+(?:says|has)\\s+`([^`]+)`")

// programSource returns the Go files of the module without its tests.
func programSource(t *testing.T) string {
	t.Helper()
	var source strings.Builder
	for _, dir := range []string{"../cmd", "../consumer", "../events", "../internal", "../signature"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			source.Write(text)
			return err
		})
		check(t, err)
	}
	return source.String()
}

// A log message that a page quotes is in the program's source.
func TestLogTextsExist(t *testing.T) {
	source := programSource(t)
	for _, p := range everyPage(t) {
		for _, found := range logged.FindAllStringSubmatch(p.text, -1) {
			if text := strings.Join(strings.Fields(found[1]), " "); !written(source, text) {
				t.Errorf("%s quotes the log with %q, which the program does not write", p.path, text)
			}
		}
	}
}

// written reports whether a text is in the source, or is composed of a literal and a word such
// as an outcome.
func written(source, text string) bool {
	words := strings.Fields(text)
	first, last := words[0], words[len(words)-1]
	return strings.Contains(source, text) ||
		strings.Contains(source, `"`+strings.TrimSuffix(text, last)+`"`) ||
		strings.Contains(source, `"`+strings.TrimPrefix(text, first)+`"`) ||
		len(words) > 2 && strings.Contains(source, `"`+strings.TrimPrefix(text, first+" "+words[1]))
}

// Metrics that a page names are exported.
func TestMetricsExist(t *testing.T) {
	source := programSource(t)
	for _, p := range everyPage(t) {
		for _, name := range regexp.MustCompile(`\bwildix_[a-z_]+[a-z]\b`).FindAllString(p.text, -1) {
			base := strings.TrimPrefix(name, "wildix_")
			base = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(base, "")
			if !strings.Contains(source, `"`+base+`"`) && !strings.Contains(source, `"wildix_`+base+`"`) {
				t.Errorf("%s names the metric %s, which does not exist", p.path, name)
			}
		}
	}
}

// docs/delivery-guarantees.md explains each outcome.
func TestOutcomesAreExplained(t *testing.T) {
	text := readPage(t, "delivery-guarantees.md").text
	for o := range events.Outcome(events.Outcomes) {
		if !strings.Contains(text, "\n| "+o.String()+" |") {
			t.Errorf("docs/delivery-guarantees.md does not explain %s", o)
		}
	}
}
