package observability

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// A dashboard has the parts of dashboard.json that the tests use.
type dashboard struct {
	SchemaVersion int
	Panels        []panel
	Annotations   struct{ List []target }
	Templating    struct {
		List []struct{ Name, Type, Definition string }
	}
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               datasource
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Options                  struct{ YAxis struct{ Unit string } }
	Targets                  []target
}

type target struct {
	RefID, Name        string
	Datasource         datasource
	Expr, LegendFormat string
}

type datasource struct{ UID string }

func loadDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text := read(t, "dashboard.json")
	fatal(t, json.Unmarshal([]byte(text), &d))
	if d.SchemaVersion == 0 || len(d.Panels) == 0 {
		t.Fatal("dashboard.json has no panels")
	}
	return d
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	fatal(t, err)
	return string(text)
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDashboardIsIndented(t *testing.T) {
	text := read(t, "dashboard.json")
	var indented bytes.Buffer
	fatal(t, json.Indent(&indented, []byte(text), "", "  "))
	if indented.String() != text {
		t.Error("dashboard.json is not indented with two spaces, as by json.Indent")
	}
}

func TestPanelsHaveDescriptions(t *testing.T) {
	seen := make(map[int]string)
	for _, p := range loadDashboard(t).Panels {
		if other, ok := seen[p.ID]; ok || p.ID == 0 {
			t.Errorf("%s and %q have the id %d", p.Title, other, p.ID)
		}
		seen[p.ID] = p.Title
		switch {
		case p.Type == "row":
			continue
		case p.Title == "" || p.Description == "":
			t.Errorf("panel %d (%s): no title or description", p.ID, p.Title)
		case p.FieldConfig.Defaults.Unit == "" && p.Options.YAxis.Unit == "":
			t.Errorf("%s: no unit", p.Title)
		case p.Datasource.UID != "${datasource}" || len(p.Targets) == 0:
			t.Errorf("%s: no query of the chosen data source", p.Title)
		}
		refs := make(map[string]bool)
		for _, q := range p.Targets {
			if q.RefID == "" || refs[q.RefID] || q.Datasource != p.Datasource {
				t.Errorf("%s: query %q has no refId of its own, or another data source", p.Title, q.RefID)
			}
			refs[q.RefID] = true
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	const columns = 24
	taken := make(map[[2]int]string)
	for _, p := range loadDashboard(t).Panels {
		at := p.GridPos
		if at.W < 1 || at.H < 1 || at.X < 0 || at.X+at.W > columns {
			t.Errorf("%s does not fit into %d columns", p.Title, columns)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("%s overlaps %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

var variable = regexp.MustCompile(`\$\{?(\w+)\}?`)

// Each query selects the chosen jobs and instances, and uses only variables that exist.
func TestQueriesUseVariables(t *testing.T) {
	d := loadDashboard(t)
	known := map[string]bool{"__rate_interval": true}
	for _, v := range d.Templating.List {
		known[v.Name] = true
	}
	for _, name := range []string{"datasource", "job", "instance"} {
		if !known[name] {
			t.Errorf("no variable %s", name)
		}
	}
	for _, q := range d.queries() {
		for _, match := range variable.FindAllStringSubmatch(q.Expr, -1) {
			if !known[match[1]] {
				t.Errorf("%s: no variable %s", q.Expr, match[0])
			}
		}
		for _, s := range selectors(q.Expr) {
			if !strings.Contains(s, `job=~"$job"`) || !strings.Contains(s, `instance=~"$instance"`) {
				t.Errorf("%s does not select the job and the instance", s)
			}
		}
	}
}

// queries returns those of all panels and annotations.
func (d dashboard) queries() (all []target) {
	for _, p := range d.Panels {
		all = append(all, p.Targets...)
	}
	for _, a := range d.Annotations.List {
		if a.Expr != "" {
			all = append(all, a)
		}
	}
	return all
}

// filled replaces the dashboard's variables with values. A label that matches .+ must exist.
func filled(expr string) string {
	return strings.NewReplacer("$__rate_interval", "1m", "$job", ".+", "$instance", ".+", "$price", "0.40").Replace(expr)
}

var selector = regexp.MustCompile(`\b(?:up|(?:wildix|process|go)_[a-z_]+)\b(?:\{[^}]*\})?`)

// selectors returns the series that an expression selects.
func selectors(expr string) []string { return selector.FindAllString(expr, -1) }
