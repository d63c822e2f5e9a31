package console

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// maxKept is how many bytes are kept of a text of an event. More are kept than are
	// shown, so that what is at the end can be masked; see trimmed.
	maxKept = 160
	// maxKeptReason is how many bytes are kept of an error.
	maxKeptReason = 1600

	// maxText is about how many bytes are shown of a text of an event.
	maxText = 120
	// maxReason is about how many bytes are shown of an error.
	maxReason = 400
)

// printable returns a text cut to maxText, without control characters.
func printable(s string) string { return plain(cut(s, maxText)) }

// cut shortens s to at most the given number of bytes, between two characters, and then adds
// an ellipsis.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return first(s, most) + "…"
}

// first returns the beginning of s, of at most the given number of bytes, without half a
// character.
func first(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// plain removes control characters and characters that change the writing direction. White
// space becomes a space.
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

// visible writes characters that plain removes as the escapes of a JSON string, and quotes
// and backslashes too, so that an escape can't be mistaken for text.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escaped(r))
		}
	}
	return b.String()
}

func escaped(r rune) string {
	switch r {
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}
