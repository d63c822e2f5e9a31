package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var logged = regexp.MustCompile("log\\s+(?:says|has)\\s+`([^`]+)`")

// What a page says that the log says is a text of the program.
func TestLogTextsExist(t *testing.T) {
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
	for _, p := range everyPage(t) {
		for _, found := range logged.FindAllStringSubmatch(p.text, -1) {
			if text := strings.Join(strings.Fields(found[1]), " "); !written(source.String(), text) {
				t.Errorf("%s quotes the log with %q, which the program does not write", p.path, text)
			}
		}
	}
}

// written reports whether a text is in the source, or is put together of a literal and a word
// such as an outcome.
func written(source, text string) bool {
	words := strings.Fields(text)
	first, last := words[0], words[len(words)-1]
	return strings.Contains(source, text) ||
		strings.Contains(source, `"`+strings.TrimSuffix(text, last)+`"`) ||
		strings.Contains(source, `"`+strings.TrimPrefix(text, first)+`"`) ||
		len(words) > 2 && strings.Contains(source, `"`+strings.TrimPrefix(text, first+" "+words[1]))
}
