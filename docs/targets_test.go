package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	makeTarget = regexp.MustCompile(`^make ([a-z-]+)`)
	script     = regexp.MustCompile(`^(\.ci/[a-z-]+)`)
	ciParts    = regexp.MustCompile(`^\.ci/run ([a-z].*)$`)
	repository = regexp.MustCompile(`^((?:cmd|consumer|events|signature|internal|deploy|docs)/[a-zA-Z/_.-]+)$`)
	goFolder   = regexp.MustCompile(`^go (?:test|doc) .*?(\./[a-z/-]+)`)
)

// Targets of make, parts of CI, files and folders that inline code names exist.
func TestTargetsExist(t *testing.T) {
	targets := "\n" + read(t, "../Makefile")
	parts := read(t, "../.ci/run") // which begins with a table of them
	for _, p := range everyPage(t) {
		for _, inline := range codes(p.prose()) {
			if target := first(makeTarget, inline); target != "" && !strings.Contains(targets, "\n"+target+":") {
				t.Errorf("%s: the Makefile has no target %s", p.path, target)
			}
			for part := range strings.FieldsSeq(first(ciParts, inline)) {
				if !strings.Contains(parts, "\n"+part+" ") {
					t.Errorf("%s: .ci/run has no part %s", p.path, part)
				}
			}
			for _, expression := range []*regexp.Regexp{script, repository, goFolder} {
				if path := first(expression, inline); path != "" && !exists(path) {
					t.Errorf("%s: there is no %s", p.path, path)
				}
			}
		}
	}
}

// first returns the expression's first group in the text, or "".
func first(expression *regexp.Regexp, text string) string {
	if found := expression.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(filepath.Join("..", strings.TrimSuffix(path, "/...")))
	return err == nil
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	return string(text)
}
