package jsonscan

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// unquote decodes the content of a JSON string, rune by rune. As in encoding/json, each
// byte of invalid UTF-8 and each half of a surrogate pair becomes U+FFFD.
func unquote(content []byte, yield func(rune)) {
	for len(content) > 0 {
		decode := utf8.DecodeRune
		if content[0] == '\\' {
			decode = decodeEscape
		}
		r, size := decode(content)
		if !utf8.ValidRune(r) {
			r = utf8.RuneError
		}
		yield(r)
		content = content[size:]
	}
}

// unquotedLen returns the length of what unquote decodes, in bytes.
func unquotedLen(content []byte) (n int) {
	unquote(content, func(r rune) { n += utf8.RuneLen(r) })
	return n
}

// appendUnquoted appends what unquote decodes.
func appendUnquoted(out, content []byte) []byte {
	unquote(content, func(r rune) { out = utf8.AppendRune(out, r) })
	return out
}

// decodeEscape decodes an escape, which the scanner has found valid, as
// utf8.DecodeRune does a rune. It may return half a surrogate pair.
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
