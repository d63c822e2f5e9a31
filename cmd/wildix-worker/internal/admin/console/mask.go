package console

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"wildix-worker/events"
)

// A mask hides what identifies a person, unless it is off.
type mask struct{ off bool }

// party returns a side of a call. An email stands in for a missing name.
func (m mask) party(p party) partyRow {
	name := cmp.Or(p.name, p.email)
	if !m.off {
		name, p.number = masked(name), masked(p.number)
	}
	return partyRow{printable(name), printable(p.number)}
}

// text returns a text that should identify nobody, but may hold anything.
func (m mask) text(s string) string {
	s = cut(s, 4*maxText)
	if !m.off {
		s = withoutNumbers(withoutEmails(s))
	}
	return printable(s)
}

// id returns the id of a call. Its digits are not those of a phone number.
func (m mask) id(s string) string {
	s = cut(s, 4*maxText)
	if !m.off {
		s = withoutEmails(s)
	}
	return printable(s)
}

// why returns the error of a message. It comes from a handler, and may name the caller.
func (m mask) why(n *note) string {
	why := n.why
	if !m.off {
		texts := []string{n.caller.name, n.caller.number, n.callee.name, n.callee.number}
		slices.SortFunc(texts, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // one may be in another
		for _, text := range texts {
			why = replaceAll(why, text, masked(text))
		}
		why = withoutNumbers(withoutEmails(why))
	}
	return plain(cut(why, maxWhy))
}

// replaceAll leaves very short texts alone, since they are part of many words.
func replaceAll(s, old, replacement string) string {
	if len(old) < 3 {
		return s
	}
	return strings.ReplaceAll(s, old, replacement)
}

var (
	emails = regexp.MustCompile(`[^\s<>"'(),:;@]+@[^\s<>"'(),:;@]+`)
	// numbers matches phone numbers of seven digits and more as people write them. It also
	// matches IP addresses with a port, so that these are not taken for phone numbers.
	numbers = regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}:\d{1,5}\b|\+?\(?\p{Nd}(?:[\pZ\p{Pd}()/.]{0,3}\p{Nd}){6,}`)
)

func withoutEmails(s string) string { return emails.ReplaceAllString(s, "***@***") }

func withoutNumbers(s string) string {
	return numbers.ReplaceAllStringFunc(s, func(number string) string {
		if _, err := netip.ParseAddrPort(number); err == nil {
			return number
		}
		return events.MaskNumber(number)
	})
}

// masked shortens a name to the initials of at most three words, a number to its last two
// digits, and hides an email. It finds out which of them the text is, since PBXs mix them.
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
