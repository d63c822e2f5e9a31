package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// printable replaces what a terminal might take for a command, or for the end
// of a line: control characters, those that turn the writing round, invalid
// bytes. Names come from outside.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// printableJSON is the same for a text in JSON, which has a way to write them.
func printableJSON(text []byte) []byte {
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

// column is s as wide as that on a terminal, with its end cut off if need be.
func column(s string, width int) string {
	s = printable(s)
	used := 0
	for _, r := range s {
		used += runeColumns(r)
	}
	if used <= width {
		return s + strings.Repeat(" ", width-used)
	}
	var out strings.Builder
	used = 1 // of the dots
	for _, r := range s {
		if used+runeColumns(r) > width {
			break
		}
		used += runeColumns(r)
		out.WriteRune(r)
	}
	return out.String() + "…" + strings.Repeat(" ", width-used)
}

// runeColumns is 2 for the scripts and signs that are drawn wide, and 0 for
// what is drawn over the character before it.
func runeColumns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana),
		0x3000 <= r && r < 0x3040, 0xff00 <= r && r < 0xff61, 0x1f300 <= r && r < 0x1fb00:
		return 2
	default:
		return 1
	}
}
