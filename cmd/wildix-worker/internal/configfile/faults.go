package configfile

import (
	"cmp"
	"fmt"
	"slices"
)

// maxLines is how many faults are reported.
const maxLines = 100

// Faults collects what is wrong with a file.
type Faults struct {
	file string
	list []fault
}

type fault struct {
	line, column int
	text         string
	of           *Node // nil if it is of a key or of the file
}

// At adds a fault of a value. Secrets in the text are hidden.
func (f *Faults) At(n *Node, format string, args ...any) {
	f.AtOffset(n, 0, format, args...)
}

// AtOffset adds a fault of a value at a position in it.
func (f *Faults) AtOffset(n *Node, offset int, format string, args ...any) {
	text := n.Hide(fmt.Sprintf(format, args...))
	if n.Path != "" {
		text = n.Path + ": " + text
	}
	column := n.Column
	if n.Inline {
		column += offset
	}
	f.list = append(f.list, fault{n.Line, column, text, n})
}

func (f *Faults) atKey(e Entry, path, format string, args ...any) {
	f.list = append(f.list, fault{line: e.Line, column: e.Column, text: path + ": " + fmt.Sprintf(format, args...)})
}

// Need adds a fault for each environment variable that is not set and that the value, or one in
// it, names. It is for values that are used: a command that sends nothing to a destination needs
// no variable of it.
func (f *Faults) Need(n *Node) {
	if n.missing != "" {
		f.At(n, "the environment variable %s is not set", n.missing)
	}
	for _, item := range n.Items {
		f.Need(item)
	}
	for _, e := range n.Entries {
		f.Need(e.Value)
	}
}

// Has reports whether a fault of the value, or of one in it, is known.
func (f *Faults) Has(n *Node) bool {
	if slices.ContainsFunc(f.list, func(one fault) bool { return one.of == n }) {
		return true
	}
	return slices.ContainsFunc(n.Items, f.Has) ||
		slices.ContainsFunc(n.Entries, func(e Entry) bool { return f.Has(e.Value) })
}

// Lines returns a line for each fault, in the order of the file.
func (f *Faults) Lines() (lines []string) {
	sorted := slices.Clone(f.list)
	slices.SortStableFunc(sorted, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	for _, one := range sorted {
		if one.line == 0 {
			lines = append(lines, f.file+": "+one.text)
			continue
		}
		lines = append(lines, Position(f.file, one.line, one.column)+": "+one.text)
	}
	lines = slices.Compact(lines)
	if more := len(lines) - maxLines; more > 0 {
		lines = append(lines[:maxLines], fmt.Sprintf("%s: %d more faults", f.file, more))
	}
	return lines
}

// Position returns a position as editors and compilers write it.
func Position(file string, line, column int) string {
	return fmt.Sprintf("%s:%d:%d", file, line, column)
}
