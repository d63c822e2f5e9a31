package jsonscan

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unquote writes what the content of a JSON string stands for. As in encoding/json, each byte
// of invalid UTF-8 and each half of a surrogate pair becomes U+FFFD.
func unquote(out *strings.Builder, content []byte) {
	escaped := 0 // bytes at the beginning of content that were escaped and stand for themselves
	for {
		run := escaped + ordinary(content[escaped:])
		out.Write(content[:run])
		content = content[run:]
		escaped = 0
		switch {
		case len(content) == 0:
			return
		case content[0] != '\\':
			r, size := utf8.DecodeRune(content)
			out.WriteRune(r)
			content = content[size:]
		case standsForItself(content[1]):
			content = content[1:]
			escaped = 1
		default:
			r, size := decodeEscape(content)
			out.WriteRune(r)
			content = content[size:]
		}
	}
}

// unquoteNext moves past the next string, and appends what it stands for as unquote writes it.
func (s *scanner) unquoteNext(to []byte) []byte {
	s.pos++
	begin := s.pos // of what is not appended
	for {
		s.pos += ordinary(s.text[s.pos:])
		switch c := s.at(); {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(s.text[s.pos:])
			to = append(to, s.text[begin:s.pos]...)
			to = utf8.AppendRune(to, r)
			s.pos += size
			begin = s.pos
		case c == '"':
			to = append(to, s.text[begin:s.pos]...)
			s.pos++
			return to
		case c == '\\':
			to = append(to, s.text[begin:s.pos]...)
			escape := s.pos
			s.pos++
			if s.escaped(); s.failed {
				return to
			}
			if standsForItself(s.text[escape+1]) {
				begin = escape + 1
				continue
			}
			r, size := decodeEscape(s.text[escape:])
			to = utf8.AppendRune(to, r)
			s.pos = escape + size
			begin = s.pos
		default:
			s.fail()
			return to
		}
	}
}

// standsForItself reports whether an escape is only its character after a backslash.
func standsForItself(c byte) bool { return c == '"' || c == '\\' || c == '/' }

// decodeEscape decodes an escape, which the scanner has found valid, as utf8.DecodeRune does
// a rune. What comes after it may be anything. It may return half of a surrogate pair, which is written as U+FFFD.
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
	if next := s[half:]; len(next) >= half && bytes.HasPrefix(next, []byte(`\u`)) {
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
