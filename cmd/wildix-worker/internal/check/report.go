package check

import (
	"fmt"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

// A status is the result of a check.
type status string

const (
	statusOK      status = "ok"
	statusWarning status = "warning"
	statusProblem status = "problem"
	statusSkipped status = "skipped"
)

var colours = map[status]string{statusOK: term.Green, statusWarning: term.Yellow, statusProblem: term.Red, statusSkipped: term.Faint}

// A finding is the result of a check, and advice on what to do about it.
type finding struct {
	status status
	text   string
	advice string
}

func ok(text string) finding              { return finding{status: statusOK, text: text} }
func warning(text, advice string) finding { return finding{statusWarning, text, advice} }
func problem(text, advice string) finding { return finding{statusProblem, text, advice} }
func skipped(reason string) finding       { return finding{status: statusSkipped, text: reason} }

// A report prints findings and counts them.
type report struct {
	*term.Printer
	counts map[status]int
}

const (
	nameWidth = 23 // of most names; that of a destination may be longer
	// The columns where text begins: after status and name, and on the lines below.
	textColumn   = 7 + 2 + nameWidth + 2
	indentColumn = 7 + 2
)

// add prints a finding. Its text is beside the name if it fits, and otherwise below.
func (r *report) add(name string, f finding) {
	if r.counts == nil {
		r.counts = make(map[status]int)
	}
	r.counts[f.status]++
	beside, below, _ := strings.Cut(f.text, "\n")
	if len(beside) > term.Columns-textColumn || len(name) > nameWidth {
		beside, below = "", f.text
	}
	label := r.Paint(colours[f.status], fmt.Sprintf("%-7s", f.status))
	r.Printf("%s\n", strings.TrimRight(fmt.Sprintf("%s  %-*s  %s", label, nameWidth, name, beside), " "))
	for paragraph := range strings.Lines(below + "\n" + f.advice) {
		for _, line := range term.Wrap(paragraph, term.Columns-indentColumn) {
			r.Printf("%*s%s\n", indentColumn, "", line)
		}
	}
}

// summary prints the summary, and returns the error with the exit code.
func (r *report) summary(strict bool) error {
	result, code := "ready", exit.Code(0)
	switch {
	case r.counts[statusProblem] > 0:
		result, code = "not ready", 2
	case r.counts[statusWarning] > 0 && strict:
		result, code = "not ready with --strict", 1
	}
	r.Printf("\n%s: %s\n", result, r.tally())
	if err := r.Err(); err != nil || code == 0 {
		return err
	}
	return code
}

// tally counts the findings, the worst first.
func (r *report) tally() string {
	var parts []string
	for _, s := range []status{statusProblem, statusWarning, statusSkipped, statusOK} {
		switch n := r.counts[s]; {
		case n == 0:
		case s == statusProblem || s == statusWarning:
			parts = append(parts, term.Plural(n, string(s)))
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(parts, ", ")
}

// stopped prints that the report is incomplete, and returns the error with the exit code.
func (r *report) stopped() error {
	r.Printf("\nstopped before all checks were made\n")
	return exit.Code(2)
}
