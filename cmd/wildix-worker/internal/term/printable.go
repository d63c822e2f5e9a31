package term

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/mattn/go-runewidth"
)

// Printable replaces what a terminal could take for a command or the end of a line:
// control characters, changes of the writing direction, invalid bytes. Text from an event
// may hold anything.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// PrintableJSON is Printable for JSON: it escapes the characters, so that the JSON still
// means the same.
func PrintableJSON(text []byte) []byte {
	var out []byte
	for _, r := range string(text) {
		switch {
		case unicode.IsPrint(r):
			out = append(out, string(r)...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// widths does not depend on the locale.
var widths = &runewidth.Condition{StrictEmojiNeutral: true}

// Column returns the printable text, cut off or padded to a width on the terminal.
func Column(s string, width int) string {
	return widths.FillRight(widths.Truncate(Printable(s), width, "…"), width)
}
