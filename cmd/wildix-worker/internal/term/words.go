package term

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Plural returns a number and a noun, such as "2 messages".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Tally counts words and lists them in the order in which they first appear, such as
// "2 call:start, 1 call:end".
func Tally(words []string) string {
	var order []string
	counts := make(map[string]int)
	for _, word := range words {
		if counts[word] == 0 {
			order = append(order, word)
		}
		counts[word]++
	}
	parts := make([]string, len(order))
	for i, word := range order {
		parts[i] = fmt.Sprintf("%d %s", counts[word], word)
	}
	return strings.Join(parts, ", ")
}

// Duration formats a duration without zero units, and whole days as days: 60s is "1m", 48h is
// "2 days".
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return Plural(int(d/day), "day")
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

// Age formats a duration in its largest unit, such as "3 hours".
func Age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return Plural(int(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return Plural(int(d/time.Hour), "hour")
	case d >= 2*time.Minute:
		return Plural(int(d/time.Minute), "minute")
	default:
		return Plural(int(d/time.Second), "second")
	}
}

// Timestamp formats a time for JSON and CSV. It returns nil for the zero time.
func Timestamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format("2006-01-02T15:04:05.000Z")
	return &text
}

// Wrap breaks a paragraph into lines of at most width bytes. The continuation lines of an
// indented paragraph are indented twice as far. A word that is longer than a line stays
// whole, so that it can be copied.
func Wrap(paragraph string, width int) []string {
	indent := len(paragraph) - len(strings.TrimLeft(paragraph, " "))
	var lines []string
	for word := range strings.FieldsSeq(paragraph) {
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

// RootCause returns the innermost wrapped error. It is for messages that replace the outer
// texts by plainer ones.
func RootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
