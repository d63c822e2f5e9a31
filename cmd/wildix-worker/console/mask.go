package console

import (
	"cmp"
	"regexp"
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
		name, p.number = maskName(name), events.MaskNumber(p.number)
	}
	return partyRow{printable(shortened(name)), printable(shortened(p.number))}
}

// text is one that should hold no names, but may hold anything.
func (c *Console) text(s string) string {
	if !c.cfg.Unmasked {
		s = emails.ReplaceAllString(shortened(s), "***@***")
	}
	return printable(s)
}

// why says why a message did not go well. The handlers' words are their own, and may
// tell who called.
func (c *Console) why(n *note) string {
	if n.err == nil {
		return ""
	}
	why := cut(n.err.Error(), 4*maxWhy)
	if !c.cfg.Unmasked {
		for _, p := range []party{n.caller, n.callee} {
			why = replaceAll(why, p.name, maskName(p.name))
			why = replaceAll(why, p.number, events.MaskNumber(p.number))
		}
		why = emails.ReplaceAllString(why, "***@***")
		why = numbers.ReplaceAllStringFunc(why, events.MaskNumber)
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
	// numbers are phone numbers as people write them, of seven digits and more.
	numbers = regexp.MustCompile(`\+?\(?\d(?:[ ()/.-]{0,2}\d){6,}`)
)

// maskName leaves the first letter of each word, of no more than three. A name that is
// a number or an email is masked as such.
func maskName(name string) string {
	switch {
	case strings.Contains(name, "@"):
		return "***@***"
	case !strings.ContainsFunc(name, unicode.IsLetter):
		return events.MaskNumber(name)
	}
	var initials []string
	for word := range strings.FieldsSeq(name) {
		if i := strings.IndexFunc(word, unicode.IsLetter); i >= 0 && len(initials) < 3 {
			first, _ := utf8.DecodeRuneInString(word[i:])
			initials = append(initials, string(first)+".")
		}
	}
	return strings.Join(initials, " ")
}

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
