package configfile

import (
	"fmt"
	"strings"
)

// Nearest returns a hint at the name that is most like a wrong one, such as `; did you mean
// "timeout"?`, or an empty string if none is like it.
func Nearest(wrong string, names []string) string {
	if name := NearestName(wrong, names); name != "" {
		return fmt.Sprintf("; did you mean %q?", name)
	}
	return ""
}

// NearestName returns the name that is most like a wrong one, or an empty string.
func NearestName(wrong string, names []string) string {
	limit := min(len(wrong)/3+1, 4)
	best, bestDistance := "", limit+1
	for _, name := range names {
		if d := distance(strings.ToLower(wrong), strings.ToLower(name)); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance returns the number of letters to insert, delete or replace between two words.
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
