package console

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"wildix-worker/events"
)

// A mask hides names, numbers and emails of persons, unless it is off.
type mask struct{ off bool }

// party returns a side of a call. An email stands in for a missing name.
func (m mask) party(p party) partyRow {
	name := cmp.Or(p.name, p.email)
	if !m.off {
		name, p.number = masked(name), masked(p.number)
	}
	return partyRow{printable(name), printable(p.number)}
}

// text masks numbers and emails in a text that normally has none, such as an event's type.
func (m mask) text(s string) string { return printable(m.hideIn(s)) }

// id masks the id of a call.
func (m mask) id(s string) string { return printable(m.hideInID(s)) }

// reason masks the error of a message, which may name the caller.
func (m mask) reason(n *note) string { return plain(cut(m.hideInReason(n), maxReason)) }

func (m mask) hideIn(s string) string {
	if m.off {
		return s
	}
	return events.MaskText(trimmed(s, maxKept))
}

func (m mask) hideInID(s string) string {
	if m.off {
		return s
	}
	return events.MaskID(trimmed(s, maxKept))
}

func (m mask) hideInReason(n *note) string {
	if m.off {
		return n.reason
	}
	reason := trimmed(n.reason, maxKeptReason)
	texts := []string{n.caller.name, n.caller.number, n.callee.name, n.callee.number}
	slices.SortFunc(texts, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // one may contain another
	for _, text := range texts {
		reason = replaceAll(reason, text, masked(text))
	}
	return events.MaskText(reason)
}

// trimmed returns a text without its last word and the number before it, if it is as long as
// what is kept of a text: half an email or number would not be recognised as one.
func trimmed(s string, kept int) string {
	if len(s) <= kept-utf8.UTFMax {
		return s
	}
	s = first(s, kept)
	if i := strings.LastIndexFunc(s, betweenWords); i >= 0 {
		s = strings.TrimRightFunc(s[:i], func(r rune) bool { return !unicode.IsLetter(r) })
	}
	return s + "…"
}

// betweenWords reports whether MaskEmails takes the character for none of an email.
func betweenWords(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`<>"'(),:;`, r) }

// ErrorText returns an error's text as the console shows it: without the numbers and emails
// of persons, unless it is unmasked.
func ErrorText(text string, unmasked bool) string { return mask{off: unmasked}.failure(text) }

// failure masks an error that is of no message.
func (m mask) failure(text string) string { return m.reason(&note{reason: first(text, maxKeptReason)}) }

// replaceAll does not replace texts of one or two bytes, since many words contain them.
func replaceAll(s, old, replacement string) string {
	if len(old) < 3 {
		return s
	}
	return strings.ReplaceAll(s, old, replacement)
}

// masked shortens a name to the initials of at most three words, a number to its last two
// digits, and hides an email. It looks at the text to tell them apart, since PBXs mix them.
func masked(text string) string {
	switch {
	case strings.Contains(text, "@"):
		return "***@***"
	case !strings.ContainsFunc(text, unicode.IsLetter):
		return events.MaskNumber(text)
	}
	var initials []string
	for word := range strings.FieldsSeq(text) {
		if i := strings.IndexFunc(word, unicode.IsLetter); i >= 0 && len(initials) < 3 {
			first, _ := utf8.DecodeRuneInString(word[i:])
			initials = append(initials, string(first)+".")
		}
	}
	return strings.Join(initials, " ")
}
