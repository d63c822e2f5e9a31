package log

import (
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"

	"wildix-worker/events"
)

// timeLayout is RFC 3339 to the millisecond, the precision of an event's time.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// appendLine appends the line of an event, with masked phone numbers if mask is true. The
// line has the same value as encoding/json's, and takes half the time.
func appendLine(line []byte, e *events.Event, mask bool) []byte {
	line = append(line, `{"time":"`...)
	line = e.Time.AppendFormat(line, timeLayout)
	line = append(line, `","id":`...)
	id := e.ID
	if mask {
		id = events.MaskID(id)
	}
	line = appendString(line, id)
	line = append(line, `,"type":`...)
	line = appendString(line, e.Type)
	line = append(line, `,"company":`...)
	line = appendString(line, e.Company)
	line = append(line, `,"pbx":`...)
	line = appendString(line, e.PBX)
	line = append(line, `,"integrationId":`...)
	line = appendString(line, e.IntegrationID)
	known := factsOf(e)
	line = append(line, `,"caller":`...)
	line = appendPhone(line, known.caller, mask)
	line = append(line, `,"callee":`...)
	line = appendPhone(line, known.callee, mask)
	line = appendKnown(line, `,"status":`, known.status)
	line = appendKnown(line, `,"direction":`, string(known.direction))
	line = appendKnown(line, `,"queue":`, known.queue)
	line = appendKnown(line, `,"endCause":`, known.endCause)
	if known.duration > 0 {
		line = append(line, `,"duration":`...)
		line = strconv.AppendFloat(line, known.duration, 'f', -1, 64)
	}
	if e.Replay {
		line = append(line, `,"replay":true`...)
	}
	return append(line, "}\n"...)
}

func appendPhone(line []byte, number events.Text, mask bool) []byte {
	switch {
	case !number.Valid:
		return append(line, "null"...)
	case mask:
		return appendString(line, events.MaskNumber(number.Value))
	default:
		return appendString(line, number.Value)
	}
}

// appendKnown appends a field with its name, unless its value is empty.
func appendKnown(line []byte, name, value string) []byte {
	if value == "" {
		return line
	}
	return appendString(append(line, name...), value)
}

// appendString appends s as encoding/json does without SetEscapeHTML.
func appendString(line []byte, s string) []byte {
	line = append(line, '"')
	start := 0
	for i := 0; i < len(s); {
		if isPlain(s[i]) {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if mustEscape(r, size) {
			line = append(line, s[start:i]...)
			line = appendEscape(line, r)
			start = i + size
		}
		i += size
	}
	line = append(line, s[start:]...)
	return append(line, '"')
}

// isPlain reports whether a byte is an ASCII character that is written as it is, as most are.
func isPlain(c byte) bool { return ' ' <= c && c < utf8.RuneSelf && c != '"' && c != '\\' }

// mustEscape reports whether a character of that size must be escaped: a control
// character, also of those that terminals obey and JSON allows, a quote or backslash, a line
// end of JavaScript, or a byte that is not UTF-8, which is decoded as U+FFFD of size 1.
func mustEscape(r rune, size int) bool {
	switch r {
	case '"', '\\', '\u2028', '\u2029':
		return true
	case utf8.RuneError:
		return size == 1
	default:
		return unicode.In(r, unicode.Cc, unicode.Bidi_Control)
	}
}

func appendEscape(line []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(line, '\\', byte(r))
	case '\b':
		return append(line, `\b`...)
	case '\f':
		return append(line, `\f`...)
	case '\n':
		return append(line, `\n`...)
	case '\r':
		return append(line, `\r`...)
	case '\t':
		return append(line, `\t`...)
	default:
		return fmt.Appendf(line, `\u%04x`, r)
	}
}
