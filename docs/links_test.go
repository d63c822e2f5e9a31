package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
)

// anchors returns the names by which links reach the page's headings, as GitHub makes them.
func (p page) anchors() (names []string) {
	for _, h := range heading.FindAllStringSubmatch(p.prose(), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(h[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// Every relative link of every page of the repository leads to a file, and to a heading if
// it names one.
func TestLinksLeadSomewhere(t *testing.T) {
	all := make(map[string]page)
	for _, p := range everyPage(t) {
		all[p.path] = p
	}
	for _, p := range all {
		for _, found := range link.FindAllStringSubmatch(p.prose(), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := p.path
			if target != "" {
				path = filepath.Join(filepath.Dir(p.path), target)
			}
			if _, err := os.Stat(filepath.Join("..", path)); err != nil {
				t.Errorf("%s links to %s: no such file", p.path, found[1])
			} else if anchor != "" && !slices.Contains(all[path].anchors(), anchor) {
				t.Errorf("%s links to %s: no such heading", p.path, found[1])
			}
		}
	}
}

// The README links to every page of docs.
func TestREADMELinksEveryPage(t *testing.T) {
	readme := readPage(t, "../README.md")
	for _, p := range pages(t) {
		if filepath.Dir(p.path) == "docs" && !strings.Contains(readme.text, "]("+p.path+")") {
			t.Errorf("README.md does not link to %s", p.path)
		}
	}
}

// The two commands that need nothing but Go and make are the README's first.
func TestREADMEBeginsWithDemoAndTest(t *testing.T) {
	blocks := readPage(t, "../README.md").blocks()
	i := slices.IndexFunc(blocks, func(b block) bool { return b.language == "sh" })
	if i < 0 {
		t.Fatal("README.md has no commands")
	}
	lines := strings.Split(blocks[i].text, "\n")
	if len(lines) < 2 || !strings.HasPrefix(lines[0], "make demo") || !strings.HasPrefix(lines[1], "make test") {
		t.Errorf("README.md begins with %q", lines)
	}
}
