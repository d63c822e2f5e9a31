package check

import (
	"fmt"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

// A word is how a check ended.
type word string

const (
	wordOK      word = "ok"
	wordWarning word = "warning"
	wordProblem word = "problem"
	wordSkipped word = "skipped"
)

var wordColours = map[word]string{wordOK: term.Green, wordWarning: term.Yellow, wordProblem: term.Red, wordSkipped: term.Faint}

// A finding is what a check found, and what to do about it.
type finding struct {
	word word
	what string
	more string
}

func fine(what string) finding            { return finding{word: wordOK, what: what} }
func warning(what, advice string) finding { return finding{wordWarning, what, advice} }
func problem(what, advice string) finding { return finding{wordProblem, what, advice} }
func skipped(why string) finding          { return finding{word: wordSkipped, what: why} }

// A report shows findings to a person, as they come.
type report struct {
	*term.Printer
	counts map[word]int
}

const (
	// Where the text begins: on the line, behind word and name, and on those
	// that follow.
	textColumn   = 7 + 2 + 23 + 2
	indentColumn = 7 + 2
)

// add shows a finding: on its line what fits there, below it all else.
func (r *report) add(name string, f finding) {
	if r.counts == nil {
		r.counts = make(map[word]int)
	}
	r.counts[f.word]++
	beside, below, _ := strings.Cut(f.what, "\n")
	if len(beside) > term.Columns-textColumn {
		beside, below = "", f.what
	}
	label := r.Paint(wordColours[f.word], fmt.Sprintf("%-7s", f.word))
	r.Printf("%s\n", strings.TrimRight(fmt.Sprintf("%s  %-23s  %s", label, name, beside), " "))
	for paragraph := range strings.Lines(below + "\n" + f.more) {
		for _, line := range term.Wrap(paragraph, term.Columns-indentColumn) {
			r.Printf("%*s%s\n", indentColumn, "", line)
		}
	}
}

// verdict shows the summary and returns what decides the exit code.
func (r *report) verdict(strict bool) error {
	verdict, code := "ready", exit.Code(0)
	switch {
	case r.counts[wordProblem] > 0:
		verdict, code = "not ready", 2
	case r.counts[wordWarning] > 0 && strict:
		verdict, code = "not ready, since warnings count", 1
	}
	r.Printf("\n%s: %s\n", verdict, r.tally())
	if r.Err() != nil || code == 0 {
		return r.Err()
	}
	return code
}

// tally counts the findings, the worst first.
func (r *report) tally() string {
	var parts []string
	for _, w := range []word{wordProblem, wordWarning, wordSkipped, wordOK} {
		switch n := r.counts[w]; {
		case n == 0:
		case w == wordProblem || w == wordWarning:
			parts = append(parts, term.Plural(n, string(w)))
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, w))
		}
	}
	return strings.Join(parts, ", ")
}

// stopped ends a report before its time.
func (r *report) stopped() error {
	r.Printf("\nstopped before all was checked\n")
	return exit.Code(2)
}
