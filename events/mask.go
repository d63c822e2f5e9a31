package events

import (
	"net/netip"
	"regexp"
	"unicode/utf8"
)

// MaskNumber returns a phone number with all but its last two characters replaced by ***,
// so that a known number can be recognised. A shorter number is masked completely. An
// empty one stays empty.
func MaskNumber(number string) string {
	const mask = "***"
	if number == "" {
		return ""
	}
	rest := number
	for range 2 {
		_, size := utf8.DecodeLastRuneInString(rest)
		rest = rest[:len(rest)-size]
	}
	if rest == "" {
		return mask
	}
	return mask + number[len(rest):]
}

var (
	// emails matches email addresses, also with the signs for @ that East Asian keyboards write.
	emails = regexp.MustCompile(`[^\s<>"'(),:;@＠﹫]+[@＠﹫][^\s<>"'(),:;@＠﹫]+`)
	// numbers matches phone numbers of seven digits and more as people write them. It first
	// matches IP addresses with a port, which MaskText keeps.
	numbers = regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}:\d{1,5}\b|\+?\(?\p{Nd}(?:[\s\pZ\p{Cf}\p{Pd}()/._]{0,3}\p{Nd}){6,}`)
)

// MaskText returns a text, such as an error, without email addresses, and with each phone
// number in it as [MaskNumber] returns it. Any text of seven digits and more is taken for a
// phone number, except an IP address with a port.
func MaskText(text string) string {
	return numbers.ReplaceAllStringFunc(MaskEmails(text), func(number string) string {
		if _, err := netip.ParseAddrPort(number); err == nil {
			return number
		}
		return MaskNumber(number)
	})
}

// aNumber matches a text that is nothing but a phone number: at most fifteen digits (ITU-T
// E.164), perhaps with a plus sign.
var aNumber = regexp.MustCompile(`^\+[0-9]+$|^[0-9]{7,15}$`)

// MaskID returns the id of a call without email addresses, and as [MaskNumber] does if it is
// nothing but a phone number. Other digits stay, so that the calls can be told apart.
func MaskID(id string) string {
	if aNumber.MatchString(id) {
		return MaskNumber(id)
	}
	return MaskEmails(id)
}

// MaskEmails returns a text with each email address in it replaced by ***@***.
func MaskEmails(text string) string { return emails.ReplaceAllString(text, "***@***") }
