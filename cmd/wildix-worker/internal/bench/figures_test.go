package bench_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figures are what is measured of a run.
type figures struct {
	messages int
	took     time.Duration // from the first receive until 99 % were deleted
	cpu      time.Duration // user and system, of all consumers, with their start
	calls    int           // HTTP requests, the SDK's retries included
	peak     int           // RSS in bytes, of the largest consumer

	toHandler, toDelete []time.Duration // from an event's making
}

// A measure is a figure that is shown of runs.
type measure struct {
	unit string
	of   func(figures) float64
}

var (
	speed     = measure{"msg/s", func(f figures) float64 { return float64(f.messages) / f.took.Seconds() }}
	cpu       = measure{"CPU-µs/msg", func(f figures) float64 { return float64(f.cpu.Nanoseconds()) / 1e3 / float64(f.messages) }}
	calls     = measure{"calls/msg", func(f figures) float64 { return float64(f.calls) / float64(f.messages) }}
	peak      = measure{"peak-RSS-MiB", func(f figures) float64 { return float64(f.peak) / (1 << 20) }}
	toHandler = measure{"p99-to-handler-ms", func(f figures) float64 { return percentile(f.toHandler, 99) }}
	toDelete  = measure{"p99-to-delete-ms", func(f figures) float64 { return percentile(f.toDelete, 99) }}
)

// saturated are the measures of a consumer that has more messages than it can handle.
var saturated = []measure{cpu, speed, calls, peak}

// percentile returns a percentile in milliseconds.
func percentile(list []time.Duration, percent int) float64 {
	if len(list) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(list))[(len(list)-1)*percent/100].Seconds() * 1e3
}

// comparison is a table of medians, with the spread of the ratios one/other of pairs.
func comparison(measures []measure, oneName string, one []figures, otherName string, other []figures) string {
	return table(func(w *tabwriter.Writer) {
		fmt.Fprintf(w, "median of %d\t%s\t%s\t%[2]s/%[3]s\tmin\tmax\t\n", len(one), oneName, otherName)
		for _, m := range measures {
			ratios := make([]float64, len(one))
			for i := range ratios {
				ratios[i] = m.of(one[i]) / m.of(other[i])
			}
			fmt.Fprintf(w, "%s\t%.4g\t%.4g\t%.2f\t%.2f\t%.2f\t\n", m.unit, m.median(one), m.median(other),
				median(ratios), slices.Min(ratios), slices.Max(ratios))
		}
	})
}

// A row is the runs with one value of what grows.
type row struct {
	name string
	runs []figures
}

// growth is a table of medians, a row for each value.
func growth(of string, measures []measure, rows []row) string {
	return table(func(w *tabwriter.Writer) {
		fmt.Fprintf(w, "%s\t", of)
		for _, m := range measures {
			fmt.Fprintf(w, "%s\t", m.unit)
		}
		fmt.Fprintln(w)
		for _, r := range rows {
			fmt.Fprintf(w, "%s\t", r.name)
			for _, m := range measures {
				fmt.Fprintf(w, "%.4g\t", m.median(r.runs))
			}
			fmt.Fprintln(w)
		}
	})
}

func table(write func(w *tabwriter.Writer)) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', tabwriter.AlignRight)
	write(w)
	w.Flush()
	return "\n" + text.String()
}

func (m measure) median(runs []figures) float64 {
	values := make([]float64, len(runs))
	for i, run := range runs {
		values[i] = m.of(run)
	}
	return median(values)
}

func median[T cmp.Ordered](list []T) T {
	return slices.Sorted(slices.Values(list))[len(list)/2]
}
