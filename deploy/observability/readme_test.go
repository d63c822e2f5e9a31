package observability

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	alertName  = regexp.MustCompile(`(?m)^ +- alert: (\w+)$`)
	runbookURL = regexp.MustCompile(`(?m)^ +runbook_url: deploy/observability/README\.md#(\S+)$`)
	heading    = regexp.MustCompile(`(?m)^#{2,4} (.+)$`)
)

// anchors returns the headings in the form that links use.
func anchors(readme string) (names []string) {
	for _, h := range heading.FindAllStringSubmatch(readme, -1) {
		words := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(h[1]), "")
		names = append(names, strings.ReplaceAll(words, " ", "-"))
	}
	return names
}

// paragraphs are how the paragraphs of a runbook begin.
var paragraphs = []string{
	"**Meaning.**", "**Effect.**", "**Check first.**", "**Causes and remedies, likeliest first.**", "**Escalate**", "**Resolved**",
}

func TestEveryAlertHasRunbook(t *testing.T) {
	readme, rules := read(t, "README.md"), read(t, "alerts.yaml")
	known := anchors(readme)
	alerts, urls := alertName.FindAllStringSubmatch(rules, -1), runbookURL.FindAllStringSubmatch(rules, -1)
	if len(alerts) == 0 || len(alerts) != len(urls) {
		t.Fatalf("%d alerts with %d runbook_urls", len(alerts), len(urls))
	}
	for i, alert := range alerts {
		if anchor := urls[i][1]; anchor != strings.ToLower(alert[1]) || !slices.Contains(known, anchor) {
			t.Errorf("%s: no section %q in the README", alert[1], anchor)
		}
		_, runbook, _ := strings.Cut(readme, "\n### "+alert[1]+"\n")
		runbook, _, _ = strings.Cut(runbook, "\n### ")
		runbook, _, _ = strings.Cut(runbook, "\n## ")
		for _, paragraph := range paragraphs {
			if strings.Count(runbook, "\n"+paragraph) != 1 {
				t.Errorf("the runbook of %s has no paragraph %s", alert[1], paragraph)
			}
		}
	}
	for _, name := range known {
		if strings.HasPrefix(name, "wildix") && !slices.ContainsFunc(urls, func(u []string) bool { return u[1] == name }) {
			t.Errorf("the README has a runbook %s for no alert", name)
		}
	}
}

func TestLinksWithinReadmeExist(t *testing.T) {
	readme := read(t, "README.md")
	known := anchors(readme)
	links := regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(readme, -1)
	if len(links) == 0 {
		t.Fatal("no links")
	}
	for _, link := range links {
		if !slices.Contains(known, link[1]) {
			t.Errorf("no section #%s", link[1])
		}
	}
}

var (
	quotedMessage = regexp.MustCompile("`([a-zA-Z][a-zA-Z0-9', -]* [a-zA-Z0-9', -]*)`")
	// Messages that the program composes.
	composed      = []string{"message failed", "message malformed", "message rejected", "secrets file not usable"}
	commandWord   = regexp.MustCompile(`^(?:wildix-worker|metrics|docker|kill|go test|journalctl|process (?:QUEUE|webhook))\b`)
	stringLiteral = regexp.MustCompile(`"(?:[^"\\\n]|\\.)*"`)
)

// Log messages and errors that runbooks quote are string literals of the program.
func TestQuotedLogMessagesExist(t *testing.T) {
	literals := sourceLiterals(t)
	_, runbooks, _ := strings.Cut(read(t, "README.md"), "\n## Runbooks\n")
	quoted := quotedMessage.FindAllStringSubmatch(regexp.MustCompile(`\n +`).ReplaceAllString(runbooks, " "), -1)
	quoted = slices.DeleteFunc(quoted, func(match []string) bool { return commandWord.MatchString(match[1]) })
	if len(quoted) < 10 {
		t.Fatalf("found only %d quoted messages: %q", len(quoted), quoted)
	}
	for _, match := range quoted {
		if !strings.Contains(literals, match[1]) && !slices.Contains(composed, match[1]) {
			t.Errorf("the program has no message %q", match[1])
		}
	}
}

// sourceLiterals returns all string literals of the program, except those of tests.
func sourceLiterals(t *testing.T) string {
	t.Helper()
	var literals strings.Builder
	for _, root := range []string{"../../cmd", "../../consumer", "../../events", "../../internal", "../../signature"} {
		fatal(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			for _, literal := range stringLiteral.FindAllString(read(t, path), -1) {
				literals.WriteString(literal + "\n")
			}
			return nil
		}))
	}
	return literals.String()
}

var (
	typeLine   = regexp.MustCompile(`(?m)^# TYPE (\w+) (\w+)$`)
	sampleLine = regexp.MustCompile(`(?m)^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$`)
	labelName  = regexp.MustCompile(`(\w+)="`)
	tableRow   = regexp.MustCompile("(?m)^\\| `(wildix_\\w+)` \\| (\\w+) \\| ([^|]*) \\|")
)

// exported returns a line for each metric of ours: name, type, labels.
func exported(metrics string) map[string]string {
	types := make(map[string]string)
	for _, line := range typeLine.FindAllStringSubmatch(metrics, -1) {
		types[line[1]] = line[2]
	}
	labels := make(map[string]map[string]bool)
	for _, line := range sampleLine.FindAllStringSubmatch(metrics, -1) {
		if labels[line[1]] == nil {
			labels[line[1]] = make(map[string]bool)
		}
		for _, label := range labelName.FindAllStringSubmatch(line[2], -1) {
			if label[1] != "le" {
				labels[line[1]][label[1]] = true
			}
		}
	}
	lines := make(map[string]string)
	for name, kind := range types {
		if strings.HasPrefix(name, "wildix_") {
			lines[name] = describe(name, kind, slices.Sorted(maps.Keys(labels[name])))
		}
	}
	return lines
}

func describe(name, kind string, labels []string) string {
	return fmt.Sprintf("%s, %s, labels %v", name, kind, labels)
}

// Compares the table with the metrics of a real worker and a real webhook, both ways.
func TestTableListsExportedMetrics(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.trouble(t)
	s.traffic(t)
	var got map[string]string
	eventually(t, "all metrics have a value", func() error {
		got = make(map[string]string)
		for _, addr := range []string{s.worker, s.webhook} {
			text, err := s.scrape(addr)
			if err != nil {
				return err
			}
			maps.Copy(got, exported(text))
		}
		if !strings.Contains(got["wildix_messages_total"], "outcome") || got["wildix_last_receive_timestamp_seconds"] == "" {
			return fmt.Errorf("only %v", got)
		}
		return nil
	})
	want := make(map[string]string)
	for _, row := range tableRow.FindAllStringSubmatch(read(t, "README.md"), -1) {
		var labels []string
		for _, label := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[3], -1) {
			labels = append(labels, label[1])
		}
		slices.Sort(labels)
		want[row[1]] = describe(row[1], row[2], labels)
	}
	for name := range merged(got, want) {
		if got[name] != want[name] {
			t.Errorf("exported %q, want %q from the README's table", got[name], want[name])
		}
	}
}

func merged(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
