package fleet_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

const page = "../../docs/cost.md"

// The tables of docs/cost.md are those of the formulas. With UPDATE_DOCS set, they are
// written again.
func TestPageShowsTheFormulas(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	old, now := string(text), string(text)
	for name, rows := range map[string]string{
		"trickle": trickleTable(), "busy": busyTable(), "month": monthTable(), "fleet": fleetTable(),
	} {
		begin, end := "<!-- "+name+" -->\n", "\n<!-- end -->"
		before, rest, found := strings.Cut(now, begin)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Errorf("%s has no table %s", page, name)
			continue
		}
		now = before + begin + strings.TrimSpace(rows) + end + after
	}
	if now == old {
		return
	}
	t.Errorf("%s has other figures than the formulas: run UPDATE_DOCS=1 go test -run TestPage ./consumer/fleet", page)
	if os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile(page, []byte(now), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func trickleTable() string {
	var text strings.Builder
	text.WriteString("| events a second | workers | receives a second | deletes a second | calls an event |\n|---|---|---|---|---|\n")
	for _, rate := range []float64{0, 0.02, 0.2, 2, 20} {
		for _, workers := range []float64{1, 10, 100} {
			least, most := fleetReceives(workers, rate)
			leastDeletes, mostDeletes := fleetDeletes(workers, rate, 50*time.Millisecond)
			if workers == 1 { // the formula is exact
				least, most, mostDeletes = receives(rate), receives(rate), leastDeletes
			}
			each := "-"
			if rate > 0 {
				each = between((least+leastDeletes)/rate, (most+mostDeletes)/rate)
			}
			fmt.Fprintf(&text, "| %g | %g | %s | %s | %s |\n", rate, workers, between(least, most), between(leastDeletes, mostDeletes), each)
		}
	}
	return text.String()
}

// between formats a range of figures.
func between(least, most float64) string {
	from, to := fmt.Sprintf("%.3g", least), fmt.Sprintf("%.3g", most)
	if from == to {
		return from
	}
	return from + " to " + to
}

func busyTable() string {
	var text strings.Builder
	text.WriteString("| concurrency | handler time | events a second | receives an event | deletes an event | calls an event |\n|---|---|---|---|---|---|\n")
	for _, s := range []shape{{64, 0}, {64, 50 * time.Millisecond}, {64, 200 * time.Millisecond}, {64, time.Second}, {512, time.Second}, {4, 8 * time.Second}} {
		rate := s.speed()
		received, deleted := busyReceives(s.concurrency, rate)/rate, deletes(rate, s.handlerTime)/rate
		fmt.Fprintf(&text, "| %d | %s | %s | %.2f | %.2f | %.2f |\n", s.concurrency, s.handlerTime, figure(rate), received, deleted, received+deleted)
	}
	return text.String()
}

func monthTable() string {
	var text strings.Builder
	text.WriteString("| a month | 10 calls a day | 1,000 | 100,000 |\n|---|---|---|---|\n")
	small, medium, large := monthly(10, listPrices), monthly(1000, listPrices), monthly(100_000, listPrices)
	for _, row := range []struct {
		name   string
		format func(float64) string
		of     func(bill) float64
	}{
		{"events", figure, func(b bill) float64 { return b.events }},
		{"SQS requests, with those of the PBX", figure, func(b bill) float64 { return b.requests }},
		{"seconds of CPU", figure, func(b bill) float64 { return b.cpu }},
		{"SQS", dollars, func(b bill) float64 { return b.sqs }},
		{"a task on Fargate with a public address", dollars, func(b bill) float64 { return b.task }},
		{"log", dollars, func(b bill) float64 { return b.log }},
		{"together", dollars, func(b bill) float64 { return b.sqs + b.task + b.log }},
		{"writes to the once table, if it is used", figure, func(b bill) float64 { return b.writes }},
		{"once table", dollars, func(b bill) float64 { return b.once }},
	} {
		fmt.Fprintf(&text, "| %s | %s | %s | %s |\n", row.name, row.format(row.of(small)), row.format(row.of(medium)), row.format(row.of(large)))
	}
	return text.String()
}

// figure formats an amount, with three digits that count.
func figure(n float64) string {
	if n >= 1e6 {
		return fmt.Sprintf("%.3g million", n/1e6)
	}
	if n < 1000 {
		return fmt.Sprintf("%.3g", n)
	}
	step := math.Pow(10, math.Floor(math.Log10(n))-2)
	whole := int(math.Round(n/step) * step)
	return fmt.Sprintf("%d,%03d", whole/1000, whole%1000)
}

func dollars(n float64) string {
	if n >= 1000 {
		return "$" + figure(n)
	}
	return fmt.Sprintf("$%.2f", n)
}

func fleetTable() string {
	var text strings.Builder
	text.WriteString("| events a second | concurrency | handler time | speed | workers | in flight | queues | SQS a month | of it for sends |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, rate := range []float64{1000, 10_000, 100_000} {
		for _, s := range []shape{{64, 50 * time.Millisecond}, {512, 50 * time.Millisecond}, {512, time.Second}} {
			f := sized(rate, s.concurrency, s.handlerTime)
			fmt.Fprintf(&text, "| %s | %d | %s | %s | %d | %s | %d | %s | %s |\n", figure(rate), s.concurrency, s.handlerTime,
				figure(f.speed), f.workers, figure(f.inFlight), f.queues, dollars(f.bill), dollars(f.sends))
		}
	}
	return text.String()
}
