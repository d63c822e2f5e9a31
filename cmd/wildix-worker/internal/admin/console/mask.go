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

const (
	// maxText bounds a text, in bytes; what comes with an event may be long.
	maxText = 120
	// maxWhy bounds why a message did not go well.
	maxWhy = 400
)

// party is a side of a call as the page may know it. An email stands for a name.
func (c *Console) party(p party) partyRow {
	name := cmp.Or(p.name, p.email)
	if !c.cfg.Unmasked {
		name, p.number = masked(name), masked(p.number)
	}
	return partyRow{printable(name), printable(p.number)}
}

// text is one that should hold nothing of a person, but may hold anything.
func (c *Console) text(s string) string {
	s = cut(s, 4*maxText)
	if !c.cfg.Unmasked {
		s = withoutNumbers(withoutEmails(s))
	}
	return printable(s)
}

// id is that of a call, of which digits are a part.
func (c *Console) id(s string) string {
	s = cut(s, 4*maxText)
	if !c.cfg.Unmasked {
		s = withoutEmails(s)
	}
	return printable(s)
}

// why says why a message did not go well. The handlers' words are their own, and may
// tell who called.
func (c *Console) why(n *note) string {
	why := n.why
	if !c.cfg.Unmasked {
		texts := []string{n.caller.name, n.caller.number, n.callee.name, n.callee.number}
		slices.SortFunc(texts, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // one may be in another
		for _, text := range texts {
			why = replaceAll(why, text, masked(text))
		}
		why = withoutNumbers(withoutEmails(why))
	}
	return plain(cut(why, maxWhy))
}

// replaceAll leaves very short texts alone, which are found in any word.
func replaceAll(s, old, new string) string {
	if len(old) < 3 {
		return s
	}
	return strings.ReplaceAll(s, old, new)
}

var (
	emails = regexp.MustCompile(`[^\s<>"'(),:;@]+@[^\s<>"'(),:;@]+`)
	// numbers are phone numbers as people write them, of seven digits and more, and
	// the addresses of machines, of which that must not be said.
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

// masked leaves of a name the first letter of each word, of no more than three, of a
// number the last two digits, and of an email nothing: each may stand in another's place.
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

// printable is what the page may show of a text.
func printable(s string) string { return plain(shortened(s)) }

// shortened is no longer than a text may be.
func shortened(s string) string { return cut(s, maxText) }

// cut ends s with an ellipsis if it is too long, between two characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// plain leaves out what has no shape of its own: control characters, and those that
// turn the writing round.
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
