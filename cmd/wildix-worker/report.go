package main

import (
	"fmt"
	"strings"
	"time"
)

// A word is how a check ended.
type word string

const (
	wordOK      word = "ok"
	wordWarning word = "warning"
	wordProblem word = "problem"
	wordSkipped word = "skipped"
)

var wordColours = map[word]string{wordOK: green, wordWarning: yellow, wordProblem: red, wordSkipped: faint}

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
	*screen
	counts map[word]int
}

const (
	columns = 80
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
	if len(beside) > columns-textColumn {
		beside, below = "", f.what
	}
	label := r.paint(wordColours[f.word], fmt.Sprintf("%-7s", f.word))
	r.printf("%s\n", strings.TrimRight(fmt.Sprintf("%s  %-23s  %s", label, name, beside), " "))
	for paragraph := range strings.Lines(below + "\n" + f.more) {
		for _, line := range wrap(paragraph, columns-indentColumn) {
			r.printf("%*s%s\n", indentColumn, "", line)
		}
	}
}

// verdict shows the summary and returns what decides the exit code.
func (r *report) verdict(strict bool) error {
	verdict, code := "ready", exitCode(0)
	switch {
	case r.counts[wordProblem] > 0:
		verdict, code = "not ready", 2
	case r.counts[wordWarning] > 0 && strict:
		verdict, code = "not ready, since warnings count", 1
	}
	r.printf("\n%s: %s\n", verdict, r.tally())
	if r.err != nil || code == 0 {
		return r.err
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
			parts = append(parts, plural(n, string(w)))
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, w))
		}
	}
	return strings.Join(parts, ", ")
}

// stopped ends a report before its time.
func (r *report) stopped() error {
	r.printf("\nstopped before all was checked\n")
	return exitCode(2)
}

// wrap breaks a paragraph into lines. A list's items, which are indented, hang.
// A word that is longer than a line stays whole, so that it can be copied.
func wrap(paragraph string, width int) []string {
	indent := len(paragraph) - len(strings.TrimLeft(paragraph, " "))
	var lines []string
	for _, word := range strings.Fields(paragraph) {
		last := len(lines) - 1
		switch {
		case last < 0:
			lines = append(lines, strings.Repeat(" ", indent)+word)
		case len(lines[last])+1+len(word) <= width:
			lines[last] += " " + word
		default:
			lines = append(lines, strings.Repeat(" ", 2*indent)+word)
		}
	}
	return lines
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// short is a duration as people write it: 60s is 1m, and days are days.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return plural(int(d/day), "day")
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
