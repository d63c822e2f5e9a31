package console

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxText bounds a text of an event, in bytes.
	maxText = 120
	// maxWhy bounds an error, in bytes.
	maxWhy = 400
)

// printable returns a text cut off for the page, without control characters.
func printable(s string) string { return plain(cut(s, maxText)) }

// cut shortens s to about most bytes, between two characters, and adds an ellipsis.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// plain removes control characters, and those that change the writing direction.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		default:
			return -1
		}
	}, s)
}
