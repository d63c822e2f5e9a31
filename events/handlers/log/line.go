package log

import (
	"fmt"
	"unicode/utf8"

	"wildix-worker/events"
)

// timeLayout is RFC 3339 to the millisecond, the precision of an event's time.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// appendLine appends the line of an event, with masked phone numbers if mask is true. The
// line is the same as encoding/json's, and takes half the time.
func appendLine(line []byte, e *events.Event, mask bool) []byte {
	line = append(line, `{"time":"`...)
	line = e.Time.AppendFormat(line, timeLayout)
	line = append(line, `","id":`...)
	line = appendString(line, e.ID)
	line = append(line, `,"type":`...)
	line = appendString(line, e.Type)
	line = append(line, `,"company":`...)
	line = appendString(line, e.Company)
	line = append(line, `,"pbx":`...)
	line = appendString(line, e.PBX)
	line = append(line, `,"integrationId":`...)
	line = appendString(line, e.IntegrationID)
	var caller, callee *events.Participant
	if call := e.Call(); call != nil {
		caller, callee = call.Caller, call.Callee
	}
	line = append(line, `,"caller":`...)
	line = appendPhone(line, caller, mask)
	line = append(line, `,"callee":`...)
	line = appendPhone(line, callee, mask)
	return append(line, "}\n"...)
}

func appendPhone(line []byte, p *events.Participant, mask bool) []byte {
	switch {
	case p == nil || !p.Phone.Valid:
		return append(line, "null"...)
	case mask:
		return appendString(line, events.MaskNumber(p.Phone.Value))
	default:
		return appendString(line, p.Phone.Value)
	}
}

// appendString appends s as encoding/json does without SetEscapeHTML.
func appendString(line []byte, s string) []byte {
	line = append(line, '"')
	start := 0
	for i := 0; i < len(s); {
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

// mustEscape reports whether a character of that size must be escaped: a control
// character, a quote or backslash, a line end of JavaScript, or a byte that is not UTF-8,
// which is decoded as U+FFFD of size 1.
func mustEscape(r rune, size int) bool {
	switch r {
	case '"', '\\', '\u2028', '\u2029':
		return true
	case utf8.RuneError:
		return size == 1
	default:
		return r < ' '
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
