package events

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// unquoted is what the content of a JSON string stands for. As in
// encoding/json each byte of invalid UTF-8 becomes U+FFFD, and so does half a
// surrogate pair.
func unquoted(content []byte, plain bool) []byte {
	if plain {
		return content
	}
	out := make([]byte, 0, len(content))
	for len(content) > 0 {
		decode := utf8.DecodeRune
		if content[0] == '\\' {
			decode = decodeEscape
		}
		r, size := decode(content)
		out = utf8.AppendRune(out, r)
		content = content[size:]
	}
	return out
}

// decodeEscape is utf8.DecodeRune for an escape, which the scanner has seen to
// be a valid one. It may return half a surrogate pair.
func decodeEscape(s []byte) (r rune, size int) {
	switch s[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return decodeUnicodeEscape(s)
	default:
		return rune(s[1]), 2
	}
}

func decodeUnicodeEscape(s []byte) (r rune, size int) {
	const half = len(`\u0000`)
	r = hex(s[2:half])
	if next := s[half:]; bytes.HasPrefix(next, []byte(`\u`)) {
		if pair := utf16.DecodeRune(r, hex(next[2:half])); pair != utf8.RuneError {
			return pair, 2 * half
		}
	}
	return r, half
}

func hex(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits), 16, 16)
	return rune(n)
}
