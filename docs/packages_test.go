package docs

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"
)

// The folders in the layout of docs/development.md exist.
func TestLayoutNamesFolders(t *testing.T) {
	_, layout, _ := strings.Cut(readPage(t, "development.md").text, "```text\n")
	layout, _, _ = strings.Cut(layout, "```")
	top := ""
	for line := range strings.SplitSeq(strings.TrimSpace(layout), "\n") {
		folders, _, _ := strings.Cut(line, "/ ") // the first of a line
		folder := strings.TrimSpace(folders)
		if strings.HasPrefix(line, " ") {
			folder = path.Join(top, folder)
		} else {
			top = folder
		}
		if !exists(folder) {
			t.Errorf("docs/development.md has %s, which does not exist", folder)
		}
	}
}

var packageRow = regexp.MustCompile("(?m)^\\| `([a-z/-]+)` \\| .* \\|$\n")

// docs/development.md lists every package. With UPDATE_DOCS set, the list is regenerated.
func TestEveryPackageIsListed(t *testing.T) {
	const header = "| package | |\n|---|---|\n"
	text := readPage(t, "development.md").text
	begin, list, found := strings.Cut(text, header)
	if !found {
		t.Fatal("docs/development.md has no list of packages")
	}
	list, end, _ := strings.Cut(list, "\n\n")
	listed := make(map[string]bool)
	for _, row := range packageRow.FindAllStringSubmatch(list+"\n", -1) {
		listed[row[1]] = true
	}
	var rows strings.Builder
	for _, p := range packages(t) {
		rows.WriteString("| `" + p.path + "` | " + p.does + " |\n")
		if !listed[p.path] {
			t.Errorf("docs/development.md does not list %s: run UPDATE_DOCS=1 go test ./docs", p.path)
		}
		delete(listed, p.path)
	}
	for path := range listed {
		t.Errorf("docs/development.md lists %s, which does not exist: run UPDATE_DOCS=1 go test ./docs", path)
	}
	if os.Getenv("UPDATE_DOCS") != "" {
		check(t, os.WriteFile("development.md", []byte(begin+header+rows.String()+"\n"+strings.TrimLeft(end, "\n")), 0o600))
	}
}

// A goPackage is a package of the module with its path in the repository.
type goPackage struct {
	path, does string
}

// packages returns the packages that have a comment, with its first sentence. Those without
// one hold tests only.
func packages(t *testing.T) (all []goPackage) {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", "{{.ImportPath}}\t{{.Doc}}", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	check(t, err)
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		path, comment, _ := strings.Cut(line, "\t")
		if comment != "" {
			all = append(all, goPackage{strings.TrimPrefix(path, "wildix-worker/"), summary(comment)})
		}
	}
	return all
}

// summary shortens a package's comment to what the package does.
func summary(comment string) string {
	comment = regexp.MustCompile(`^(Package \S+|Wildix-worker) (is the command \w+: (it )?)?`).ReplaceAllString(comment, "")
	comment = strings.NewReplacer("[", "", "]", "").Replace(comment)
	comment, _, _ = strings.Cut(comment, ": ")
	if whole, found := strings.CutSuffix(comment, "."); found {
		return whole
	}
	comment = strings.TrimSuffix(comment, ":")
	if i := strings.LastIndex(comment, ", "); i > 40 {
		comment = comment[:i] // the rest leads to a list that is not shown
	}
	return comment
}
