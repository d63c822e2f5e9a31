package observability

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// prometheusVariable names the folder of the programs prometheus and promtool.
const prometheusVariable = "PROMETHEUS_DIR"

func prometheusDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv(prometheusVariable)
	if dir == "" {
		t.Skip(prometheusVariable + " is not set to the folder of prometheus and promtool; .ci/observability sets it")
	}
	return dir
}

func TestAlertRules(t *testing.T) {
	t.Parallel()
	promtool := filepath.Join(prometheusDir(t), "promtool")
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		out, err := exec.Command(promtool, args...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "SUCCESS") {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	// promtool passes alerts that have no test.
	tests := read(t, "alerts_test.yaml")
	for _, alert := range alertName.FindAllStringSubmatch(read(t, "alerts.yaml"), -1) {
		fires := strings.Contains(tests, "- alertname: "+alert[1]+"\n")
		silent := strings.Contains(tests, "- {alertname: "+alert[1]+",")
		if !fires || !silent {
			t.Errorf("%s: tested that it fires: %v, that it does not fire: %v", alert[1], fires, silent)
		}
	}
}

// A real Prometheus with the configuration of the example scrapes a real worker and a real
// webhook. Then each rule and each query of the dashboard must have an answer.
func TestPrometheusAnswersEveryQuery(t *testing.T) {
	t.Parallel()
	dir := prometheusDir(t)
	s := newSite(t)
	s.trouble(t)
	p := startPrometheus(t, dir, s)

	var queries []query
	for _, q := range loadDashboard(t).queries() {
		queries = append(queries, query{expr: filled(q.Expr), legend: q.LegendFormat, mayBeEmpty: q.Name != ""}) // annotations have names
		for _, s := range selectors(filled(q.Expr)) {
			queries = append(queries, query{expr: s})
		}
	}
	for _, expr := range p.rules(t) {
		queries = append(queries, query{expr: expr, mayBeEmpty: true}) // no alert fires
		for _, s := range selectors(expr) {
			queries = append(queries, query{expr: s})
		}
	}
	for _, v := range loadDashboard(t).Templating.List {
		if s, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			series, label, _ := strings.Cut(filled(strings.TrimSuffix(s, ")")), ", ")
			queries = append(queries, query{expr: series, legend: "{{" + label + "}}"})
		}
	}
	t.Logf("%d queries", len(queries))
	eventually(t, "every query has an answer", func() error {
		s.traffic(t)
		for _, q := range queries {
			if err := p.ask(q); err != nil {
				return err
			}
		}
		return nil
	})
	p.labelsExist(t, queries)
}

// A query must have an answer, unless it may be empty.
type query struct {
	expr, legend string
	mayBeEmpty   bool
}

type server struct{ url string }

// startPrometheus starts Prometheus, which scrapes the site each second.
func startPrometheus(t *testing.T, dir string, s *site) server {
	t.Helper()
	folder := t.TempDir()
	_, port, _ := strings.Cut(s.webhook, ":")
	config := "global: {scrape_interval: 1s, evaluation_interval: 1s}\n" + read(t, "prometheus.yaml")
	for from, to := range map[string]string{"127.0.0.1:9464": s.worker, "hook.example.com:9464": "127.0.0.1:" + port} {
		if strings.Count(config, from) != 1 {
			t.Fatalf("prometheus.yaml does not have %s once", from)
		}
		config = strings.Replace(config, from, to, 1)
	}
	for name, text := range map[string]string{"prometheus.yaml": config, "alerts.yaml": read(t, "alerts.yaml"), "wildix-admin-token": adminToken} {
		fatal(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	file := filepath.Join(folder, "prometheus.yaml")
	if out, err := exec.Command(filepath.Join(dir, "promtool"), "check", "config", file).CombinedOutput(); err != nil {
		t.Fatalf("promtool check config: %v\n%s", err, out)
	}
	addr := freeAddr(t)
	run(t, exec.Command(filepath.Join(dir, "prometheus"), "--config.file", file,
		"--storage.tsdb.path", filepath.Join(folder, "data"), "--web.listen-address", addr))
	p := server{"http://" + addr}
	eventually(t, "Prometheus is ready", func() error { return s.isReady(addr + "/-/ready") })
	return p
}

// call calls Prometheus' API.
func (p server) call(path string, values url.Values, into any) error {
	req, err := http.NewRequest(http.MethodGet, p.url+path+"?"+values.Encode(), nil)
	if err != nil {
		return err
	}
	text, err := get(req)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), &struct{ Data any }{into})
}

// rules returns the expressions of the rules once all are evaluated.
func (p server) rules(t *testing.T) (exprs []string) {
	t.Helper()
	eventually(t, "the rules are evaluated", func() error {
		var answer struct {
			Groups []struct {
				Rules []struct{ Name, Query, Health, LastError string }
			}
		}
		if err := p.call("/api/v1/rules", nil, &answer); err != nil {
			return err
		}
		exprs = nil
		for _, group := range answer.Groups {
			for _, rule := range group.Rules {
				if rule.Health != "ok" {
					return fmt.Errorf("%s: %s", rule.Name, cmp.Or(rule.LastError, rule.Health))
				}
				exprs = append(exprs, rule.Query)
			}
		}
		if len(exprs) == 0 {
			return fmt.Errorf("no rules")
		}
		return nil
	})
	return exprs
}

// ask returns an error if the answer to a query is wrong.
func (p server) ask(q query) error {
	var answer struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	if err := p.call("/api/v1/query", url.Values{"query": {q.expr}}, &answer); err != nil {
		return err
	}
	numbers := 0
	for _, series := range answer.Result {
		if series.Value[1] != "NaN" {
			numbers++
		}
		for _, label := range legendLabel.FindAllStringSubmatch(q.legend, -1) {
			if series.Metric[label[1]] == "" {
				return fmt.Errorf("%s: no label %s for the legend in %v", q.expr, label[1], series.Metric)
			}
		}
	}
	if numbers == 0 && !q.mayBeEmpty {
		return fmt.Errorf("%s: no answer", q.expr)
	}
	return nil
}

var (
	legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)
	grouping    = regexp.MustCompile(`\b(?:by|on|ignoring|without|group_left|group_right) \(([^)]*)\)`)
)

// labelsExist checks the labels of groupings, because Prometheus accepts labels that do not
// exist.
func (p server) labelsExist(t *testing.T, queries []query) {
	t.Helper()
	var known []string
	fatal(t, p.call("/api/v1/labels", nil, &known))
	seen := 0
	for _, q := range queries {
		for _, group := range grouping.FindAllStringSubmatch(q.expr, -1) {
			for label := range strings.SplitSeq(group[1], ",") {
				seen++
				if !slices.Contains(known, strings.TrimSpace(label)) {
					t.Errorf("%s: no label %s", q.expr, label)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no query groups by a label")
	}
}
