package term

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/mattn/go-runewidth"
)

// Printable replaces characters that could send commands to a terminal, end a line or change
// the writing direction, and invalid bytes. It is for text from events, which may contain any
// character. Spaces of every width and joiners stay, which names and emoji are written with.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !isPrintable(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func isPrintable(r rune) bool {
	return !unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// PrintableJSON is Printable for JSON. It escapes the characters, so that the value of the
// JSON stays the same.
func PrintableJSON(text []byte) []byte {
	var out []byte
	for _, r := range string(text) {
		switch {
		case isPrintable(r):
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

// Column returns the printable text, cut or padded to a width in terminal columns.
func Column(s string, width int) string {
	return widths.FillRight(widths.Truncate(Printable(s), width, "…"), width)
}
