package observability

import (
	"fmt"
	"maps"
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

// anchors are the headings as a link names them.
func anchors(readme string) (names []string) {
	for _, h := range heading.FindAllStringSubmatch(readme, -1) {
		words := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(h[1]), "")
		names = append(names, strings.ReplaceAll(words, " ", "-"))
	}
	return names
}

// questions are what a runbook answers, each in a paragraph.
var questions = []string{
	"**It means.**", "**Noticed.**", "**Look first.**", "**Causes, likeliest first, and remedies.**", "**Escalate**", "**Over**",
}

func TestEveryAlertHasItsRunbook(t *testing.T) {
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
		for _, question := range questions {
			if strings.Count(runbook, "\n"+question) != 1 {
				t.Errorf("the runbook of %s has no paragraph %s", alert[1], question)
			}
		}
	}
	for _, name := range known {
		if strings.HasPrefix(name, "wildix") && !slices.ContainsFunc(urls, func(u []string) bool { return u[1] == name }) {
			t.Errorf("the README has a runbook %s for no alert", name)
		}
	}
}

func TestLinksInsideTheReadmeLeadSomewhere(t *testing.T) {
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

// The table and what a real worker and a real webhook export, compared both ways.
func TestTableHoldsWhatIsExported(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.trouble(t)
	s.traffic(t)
	var real map[string]string
	eventually(t, "all metrics have a value", func() error {
		real = make(map[string]string)
		for _, addr := range []string{s.worker, s.webhook} {
			text, err := s.scrape(addr)
			if err != nil {
				return err
			}
			maps.Copy(real, exported(text))
		}
		if !strings.Contains(real["wildix_messages_total"], "outcome") || real["wildix_last_receive_timestamp_seconds"] == "" {
			return fmt.Errorf("only %v", real)
		}
		return nil
	})
	table := make(map[string]string)
	for _, row := range tableRow.FindAllStringSubmatch(read(t, "README.md"), -1) {
		var labels []string
		for _, label := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[3], -1) {
			labels = append(labels, label[1])
		}
		slices.Sort(labels)
		table[row[1]] = describe(row[1], row[2], labels)
	}
	for name := range merged(real, table) {
		if real[name] != table[name] {
			t.Errorf("exported is %q, the README's table says %q", real[name], table[name])
		}
	}
}

func merged(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
